# Where the blocks of the lanes stand, for nextpnr's --pre-place: a lane's multipliers, weights and vectors beside each other. The placer
# finds places of blocks last, and does not put lanes together again that these have torn apart. All else it places around them.
#
# lanes, their number, is set in a line before these.
import collections
import re

rows = {"MULT18X18D": collections.defaultdict(list), "DP16KD": collections.defaultdict(list)}  # by y: places by x
height = 0
for bel in ctx.getBels():
    at = ctx.getBelLocation(bel)
    height = max(height, at.y + 1)
    kind = ctx.getBelType(bel)
    if kind in rows:
        rows[kind][at.y].append((at.x, at.y, str(bel)))

# The blocks by lane. A memory's column of blocks has bits of one lane, or of several.
lane_of = {"multipliers": {}, "weights": {}, "vectors": {}}
columns = collections.defaultdict(dict)
for name, cell in ctx.cells:
    if m := re.search(r"u_lanes\.p[hl]\[(\d+)\]_MULT18X18D", name):
        lane_of["multipliers"][name] = int(m[1])
    elif m := re.search(r"u_(weights|vectors)\.mem\.\d+\.(\d+)$", name):
        if cell.type == "DP16KD":
            columns[m[1]][name] = int(m[2])
for memory, found in columns.items():
    count = max(found.values()) + 1
    lane_of[memory] = {name: column * lanes // count for name, column in found.items()}

# Bands across the part, one around each row of multipliers, with the rows of memory nearest to it. Each gets lanes by its height, as many
# as its blocks serve.
centres = sorted(rows["MULT18X18D"])
bands = [{"multipliers": list(rows["MULT18X18D"][y]), "memories": [], "height": 0} for y in centres]
nearest = lambda y: min(range(len(centres)), key=lambda b: (abs(centres[b] - y), b))
for y in range(height):
    bands[nearest(y)]["height"] += 1
for y, places in rows["DP16KD"].items():
    bands[nearest(y)]["memories"] += places
memories = {**lane_of["weights"], **lane_of["vectors"]}
need = {"multipliers": len(lane_of["multipliers"]), "memories": len(memories)}
for band in bands:
    band["most"] = min(len(band[kind]) * lanes // need[kind] for kind in need if need[kind])
    band["lanes"] = 0
for _ in range(lanes):
    free = [b for b in bands if b["lanes"] < b["most"]]
    if free:
        min(free, key=lambda b: (b["lanes"] + 1) / b["height"])["lanes"] += 1

# In a band blocks stand in the order of their lanes, spread over its width.
placed = 0
if sum(b["lanes"] for b in bands) == lanes:
    first = 0
    for band in bands:
        for kind, lane in (("multipliers", lane_of["multipliers"]), ("memories", memories)):
            here = sorted((l, name) for name, l in lane.items() if first <= l < first + band["lanes"])
            places = sorted(band[kind])
            if len(here) <= len(places):
                for i, (_, name) in enumerate(here):
                    ctx.cells[name].setAttr("BEL", places[(2 * i + 1) * len(places) // (2 * len(here))][2])
                placed += len(here)
        first += band["lanes"]
print("floor plan: %d of %d blocks of %d lanes in bands of %s" % (
    placed, sum(len(l) for l in lane_of.values()), lanes, ", ".join(str(b["lanes"]) for b in bands)))
