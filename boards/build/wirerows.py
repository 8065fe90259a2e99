# Rows of the part that are left to wires, for nextpnr's --pre-pack: cells without any net that hold the look-up tables of these. The placer
# fills what it fills to three quarters, in the middle of the part, and leaves the rest empty; the router then lacks wires there that lie
# unused elsewhere.
import collections

full = 0.7     # of the look-up tables of rows that are not left: less than the placer would, which adds some at the ends of carry chains
most = 0.2     # of the rows

tables = collections.Counter()
for bel in ctx.getBels():
    if ctx.getBelType(bel) == "TRELLIS_COMB":
        tables[ctx.getBelLocation(bel).y] += 1
takes = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}  # a table of sixteen words keeps a slice of its own for writing
need = 0
for name, cell in ctx.cells:
    need += takes.get(cell.type, 0)
share = min(most, max(0, 1 - need / (full * sum(tables.values()))))
rows = {y for i, y in enumerate(sorted(tables)) if int((i + 1) * share) != int(i * share)}
held = 0
for bel in ctx.getBels():
    if ctx.getBelType(bel) == "TRELLIS_COMB" and ctx.getBelLocation(bel).y in rows:
        ctx.createCell("wires_only_%d" % held, "TRELLIS_COMB").setAttr("BEL", str(bel))
        held += 1
print("rows left to wires: %d of %d, %d cells; the device takes %d" % (len(rows), len(tables), held, need))
