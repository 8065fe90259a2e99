package main

// Tests that must notice a defect.
const (
	oracleStep  = "go test -count=1 -run TestStep ./testbench/oracle"
	overlays    = "go test -count=1 -short -run Overlay ./compiler"
	places      = "go test -count=1 ./compiler/ir"
	listings    = "go test -count=1 ./compiler"
	kernelTests = "go test -count=1 ./sim ./sim/kernels"
	sessions    = "go test -count=1 -run 'ExactlyOnce|Redial|Noisy' ./host"
	rooms       = "go test -count=1 -short -run 'Room|Lying' ./host"
	restarts    = "go test -count=1 -run RestartWhileReading ./host"
	datagrams   = "go test -count=1 -short -run FramesAgainstModel ./host/link"
	greetings   = "go test -count=1 -run Greeting ./host"
	captures    = "go test -count=1 ./host/capture ./host/replay"
	oracleTests = "go test -count=1 ./sim/float"
	programs    = "go test -count=1 ./firmware/programs"
	tables      = "go test -count=1 ./compiler/emit"
	engine      = "go test -count=1 -run TestEngineShort ./testbench/cosim -cosim.lanes 4"
	enginePorts = "go test -count=1 -run TestEngineShort ./testbench/cosim -cosim.lanes 16" // two weight ports
	enginePlain = "go test -count=1 -run TestPlain ./testbench/cosim -cosim.lanes 16"       // as synthesis takes it
	aheadProof  = "scripts/formal nmc_scanner_ahead"
	adderProof  = "scripts/formal adder_cells"
	spikeTests  = "go test -count=1 -run Event ./testbench/oracle"
	behindInit  = "go test -count=1 -run EventsBehindInit ./testbench/variants"
	frontend    = "go test -count=1 -run TestShortExactlyOnce ./testbench/verilator"
	answers     = "go test -count=1 -run TestAnswers ./testbench/ethernet"
	malformed   = "go test -count=1 -run TestMalformed ./testbench/ethernet"
	sizes       = "go test -count=1 -run TestSizes ./testbench/ethernet"
	hashes      = "go test -count=1 -run TestSipHash ./testbench/icarus"
	lineNoise   = "go test -count=1 -run TestSerialNoise ./testbench/verilator"
	lineOverrun = "go test -count=1 -run TestSerialOverrun ./testbench/verilator"
	lineRates   = "go test -count=1 -run TestSerialRates/3000000_of_12000000 ./testbench/verilator"
)

// Mutants is the table of planted defects.
var Mutants = []Mutant{
	// The compiler and its emitter.
	{
		"emit/swapped-operand", "an update takes its error for its input and the other way round",
		"compiler/emit/firmware.go",
		`f["rate"], f["sbase"], f["dbase"], f["opt"] = e.reg(o.Args[1]), base(2), base(3), int64(o.Attrs["pull"])`,
		`f["rate"], f["sbase"], f["dbase"], f["opt"] = e.reg(o.Args[1]), base(3), base(2), int64(o.Attrs["pull"])`,
		oracleStep,
	},
	{
		"emit/stale-table", "every segment of a table has the slope of the one before",
		"compiler/emit/firmware.go",
		`slope := min(max(int(at(i+1))-int(base), -1<<15), 1<<15-1)`,
		`slope := min(max(int(base)-int(at(i-1)), -1<<15), 1<<15-1)`,
		tables,
	},
	{
		"emit/digest-index", "the digest leaves out the last row of each matrix",
		"compiler/emit/firmware.go",
		`f["c"], f["n"], f["dst"] = int64(t.Rows()),`,
		`f["c"], f["n"], f["dst"] = int64(t.Rows()-1),`,
		listings,
	},
	{
		"pass/one-bit-shift", "sums are rounded one bit too far left",
		"compiler/pass/formats.go",
		`t.Frac+x.Frac-dst.Frac, t.Name`,
		`t.Frac+x.Frac-dst.Frac-1, t.Name`,
		oracleStep,
	},
	{
		"rules/wrong-sign", "weights climb the gradient",
		"compiler/rules/dense.go",
		`f *= sign`,
		`f *= -sign`,
		oracleStep,
	},
	{
		"pass/short-life", "a vector is no longer alive at the operation that reads it last",
		"compiler/pass/overlay.go",
		`need[v], m[o][v] = true, true`,
		`need[v] = true`,
		overlays,
	},
	{
		"pass/life-of-a-trip", "a vector that the next trip of a block reads is not alive at the end of the trip before",
		"compiler/pass/overlay.go",
		`for need.add(begin) {`,
		`for need.add(begin) && false {`,
		overlays,
	},
	{
		"ir/part-is-whole", "a masked product is taken to write all of its destination",
		"compiler/ir/uses.go",
		` && o.Attrs["masked"] == 0`,
		``,
		places,
	},
	{
		"ir/places-of-a-trip", "the check of places does not see what a trip writes over a vector of the next one",
		"compiler/ir/places.go",
		`for lost.join(end) {`,
		`for lost.join(end) && false {`,
		places,
	},
	{
		"pass/one-buffer-cleared", "init leaves the spikes that were in the second buffer",
		"compiler/pass/legalize.go",
		`With("n", ir.Buffers*x.Steps)`,
		`With("n", x.Steps)`,
		spikeTests,
	},
	{
		"rules/spikes-left-behind", "a step leaves its spikes for the sample after the next",
		"compiler/rules/spikes.go",
		`f.Add(ir.New("fill", n.H(0), ir.Imm(0)), ir.New("next", n.H(0)))`,
		`f.Add(ir.New("next", n.H(0)))`,
		spikeTests,
	},
	{
		"emit/early-segment", "what is cleared is always the first time step",
		"compiler/emit/firmware.go",
		`"rd": e.reg("input_lanes"), "ra": e.reg("input"),`,
		`"rd": e.reg("input_lanes"), "ra": e.reg("input_lanes"),`,
		spikeTests,
	},
	{
		"pass/one-label-off", "the target is the class after the label",
		"compiler/pass/legalize.go",
		`z.add(ir.New("store", d.Name, z.label(), e))`,
		`z.add(ir.New("store", d.Name, e, z.label()))`,
		oracleStep,
	},

	// The simulator.
	{
		"sim/missed-skip", "a broadcast skips negative elements, too",
		"sim/kernels/portable.go",
		"\t\tif s != 0 {\n\t\t\tn++",
		"\t\tif s > 0 {\n\t\t\tn++",
		kernelTests,
	},
	{
		"sim/pull-skips-zero", "a pull skips the rows of zeros, which decay",
		"sim/matrix.go",
		"\t\tm.gatherAll(w)\n",
		"\t\tm.gather(w)\n",
		kernelTests,
	},
	{
		"sim/half-rounding", "accumulators round to nearest off by a quarter",
		"sim/matrix.go",
		`kernels.Operand{Const: -1 << 15}`,
		`kernels.Operand{Const: 1 << 14}`,
		kernelTests,
	},
	{
		"sim/row-of-address", "draws go by the address of a row, not by its number",
		"sim/matrix.go",
		`m.kernels.HashAt(x.hashes, x.index, `,
		`m.kernels.HashAt(x.hashes, x.rows, `,
		kernelTests,
	},
	{
		"sim/no-headroom", "the assembly's products are scaled into the sign bit",
		"sim/kernels/plan_amd64.go",
		`31-bits.Len32(maxP)`,
		`32-bits.Len32(maxP)`,
		kernelTests,
	},
	{
		"sim/wide-halfword", "the middle halfword of a stored accumulator is read with its sign",
		"sim/reference.go",
		`int64(uint16(mid))<<16`,
		`int64(mid)<<16`,
		programs,
	},

	// The numeric contract.
	{
		"fixed/halves-swapped", "even columns draw the high half of the hash",
		"compiler/fixed/fixed.go",
		`>> (16 * (col & 1)))`,
		`>> (16 * (^col & 1)))`,
		kernelTests,
	},
	{
		"fixed/wrong-constant", "one wrong digit in the step of the rows",
		"compiler/fixed/fixed.go",
		`RowStep = 0x9e3779b1`,
		`RowStep = 0x9e3779b9`,
		"go test -count=1 ./compiler/fixed",
	},

	// The engine.
	{
		"rtl/half-rounding", "rounding to nearest adds a quarter",
		"hdl/rtl/nmc_lanes.v",
		`: {nearest_i, 15'd0};`,
		`: {1'b0, nearest_i, 14'd0};`,
		engine,
	},
	{
		"rtl/tail-mask", "the lanes beyond the last column take part",
		"hdl/rtl/nmc_lanes.v",
		`if (tail_i) for (l`,
		`if (tail_i && !tok_valid_i) for (l`,
		engine,
	},
	{
		"rtl/saturation-bound", "sums that are too large saturate one too low",
		"hdl/rtl/nmc_lanes.v",
		`{whole[63], {15{~whole[63]}}} & mask_w`,
		`{whole[63], {14{~whole[63]}}, 1'b0} & mask_w`,
		engine,
	},
	{
		"rtl/swapped-operand", "a pull goes away from its goal",
		"hdl/rtl/nmc_lanes.v",
		`diff = {o[l][15], o[l], f_le_i & compare_i} - {xs[15], xs, compare_i};`,
		`diff = {xs[15], xs, f_le_i & compare_i} - {o[l][15], o[l], compare_i};`,
		engine,
	},
	{
		"rtl/halves-swapped", "odd lanes draw the low half of the hash",
		"hdl/rtl/nmc_draw.v",
		`d[p*32+:32] = {z[31:16], single_i && g_odd ? z[31:16] : z[15:0]};`,
		`d[p*32+:32] = {z[15:0], single_i && g_odd ? z[31:16] : z[31:16]};`,
		engine,
	},
	{
		"rtl/wrong-constant", "one wrong digit in the step of the columns",
		"hdl/rtl/nmc_draw.v",
		`ColStep = 32'h85ebca77;`,
		`ColStep = 32'h85ebca6b;`,
		engine,
	},
	{
		"rtl/stale-scan-word", "the scanner takes its word for there when others have read the memory",
		"hdl/rtl/nmc_scanner.v",
		`present <= read || (present && grant_i);`,
		`present <= read || present;`,
		engine,
	},
	{
		"rtl/missed-skip", "the scanner skips negative elements, too",
		"hdl/rtl/nmc_scanner.v",
		`(!nonzero_i || vectors_i[i*16+:16] != 16'd0)`,
		`(!nonzero_i || vectors_i[i*16+:16] != 16'd0 && !vectors_i[i*16+15])`,
		engine,
	},
	{
		"rtl/next-words-value", "the scanner that reads ahead offers elements with values of the word after theirs",
		"hdl/rtl/nmc_scanner_ahead.v",
		`word_in_turn = words[turn];`,
		`word_in_turn = words[rd];`,
		aheadProof,
	},
	{
		"rtl/queue-overrun", "the scanner that reads ahead reads a word more than its queue holds",
		"hdl/rtl/nmc_scanner_ahead.v",
		`wire room = owed != Depth;`,
		`wire room = owed <= Depth;`,
		aheadProof,
	},
	{
		"rtl/group-behind", "a quarter of the lanes of a large device has the shift of the instruction before",
		"hdl/rtl/nmc_lanes.v",
		`assign {reduces[g], shifts[g]} = spread_q[g];`,
		`reg [6:0] late_q; always @(posedge clk_i) if (last[5]) late_q <= spread_q[g]; assign {reduces[g], shifts[g]} = g == 3 ? late_q : spread_q[g];`,
		enginePlain,
	},
	{
		"rtl/forgotten-flag", "what a lane adds is kept where its flag says that it is none",
		"hdl/rtl/nmc_lanes.v",
		`none_mem[c_wr] <= marks;`,
		`none_mem[c_wr] <= {Lanes{1'b0}};`,
		enginePlain,
	},
	{
		"rtl/lane-behind", "lanes that share a back end have C of the one before",
		"hdl/rtl/nmc_lanes.v",
		`phase_c <= phase(last[7:5]);`,
		`phase_c <= phase(last[8:6]);`,
		enginePlain,
	},
	{
		"rtl/adder-gate", "the table in front of a carry takes its gate for open",
		"hdl/rtl/nmc_adder.v",
		`16'h66aa`,
		`16'h66a6`,
		adderProof,
	},
	{
		"rtl/off-by-one-address", "a weight at an even address is read and written one word on",
		"hdl/rtl/nmc_pointers.v",
		`(wbase_on ? {10'd0, wbase} & mask : 32'd0)`,
		`(wbase_on ? {10'd0, wbase} & mask | 32'd1 : 32'd0)`,
		engine,
	},
	{
		"rtl/digest-index", "the digest swaps the indices of even and odd elements",
		"hdl/rtl/nmc_sequencer.v",
		`assign permute_xdata_o = reg_i;`,
		`assign permute_xdata_o = reg_i ^ {31'd0, is_dig};`,
		engine,
	},
	{
		"rtl/round-left-out", "the permutation has eleven rounds",
		"hdl/rtl/nmc_permute.v",
		`Rounds = 4'd12;`,
		`Rounds = 4'd11;`,
		engine,
	},

	// The link.
	{
		"rtl/learned-twice", "a commit whose reply got lost is run again",
		"hdl/rtl/nmc_frontend.v",
		`wire next = zeros_q && low_q == (running_q ? 2'd2 : 2'd1);`,
		`wire next = zeros_q && (low_q == (running_q ? 2'd2 : 2'd1) || (d0 && some_q && op_q == OpCommit));`,
		frontend,
	},
	{
		"rtl/noise-is-a-start", "a serial line that is low for a moment begins a byte",
		"hdl/rtl/nmc_uart_rx.v",
		`else if (stop || (decide && one && bit_at == 4'd0)) busy_q <= 1'b0;`,
		`else if (stop) busy_q <= 1'b0;`,
		lineNoise,
	},
	{
		"rtl/late-sample", "the stop bit is looked at so late that a faster host's next byte has begun",
		"hdl/rtl/nmc_uart_rx.v",
		`Third = Places == 2 ? 2 : 5;`,
		`Third = Places == 2 ? 3 : 5;`,
		lineRates,
	},
	{
		"rtl/lost-in-silence", "bytes for which there is no room are lost and not counted",
		"hdl/rtl/nmc_uart.v",
		`.event_i(in_valid && !in_ready),`,
		`.event_i(1'b0),`,
		lineOverrun,
	},
	{
		"host/any-reply", "the reply to another request is taken for one's own",
		"host/session.go",
		`return r.seq == reply.Seq && r.op == reply.Op`,
		`return r.op == reply.Op`,
		sessions,
	},
	{
		"host/early-sample", "a sample is sent while init clears the buffer that it goes to",
		"host/session.go",
		`if r.init {`,
		`if r.init && s.closed {`,
		behindInit,
	},

	// The oracle.
	{
		"oracle/wrong-sign", "the float oracle climbs the gradient",
		"sim/float/learn.go",
		`step := -rates[i] * d[r]`,
		`step := rates[i] * d[r]`,
		oracleTests,
	},
	{
		"oracle/no-slope", "the float oracle leaves out the derivative of the activation",
		"sim/float/learn.go",
		`d[i][j] *= n.Layers[i].Act.Slope(a)`,
		`d[i][j] *= max(1, n.Layers[i].Act.Slope(a))`,
		oracleTests,
	},
	// The host's links.
	{
		"host/room-twice", "twice the bytes that there is room for lie before the device",
		"host/room.go",
		`n+wireBytes(frame)+r.packet <= r.size`,
		`n+wireBytes(frame)+r.packet <= 2*r.size`,
		rooms,
	},
	{
		"host/room-emptied", "a reply empties the room, also of what was sent after its request",
		"host/room.go",
		`r.drop(i + 1)`,
		`r.drop(max(i, len(r.sent)))`,
		rooms,
	},
	{
		"host/standstill", "a full room whose acknowledgements were lost stays full",
		"host/room.go",
		`r.sent, r.lies, r.since = r.sent[:0], 0, now`,
		`r.since = now`,
		rooms,
	},
	{
		"host/zeros", "what a restarted device reads out passes for what was learned",
		"host/session.go",
		`		_, err = s.Identity()
	}
	if err != nil {
		return nil, err
	}
	return w, nil`,
		`	}
	if err != nil {
		return nil, err
	}
	return w, nil`,
		restarts,
	},
	{
		"link/glued", "a datagram that is cut off spoils the next",
		"host/link/udp.go",
		`	r.dec.End()
	r.bad`,
		`	r.bad`,
		datagrams,
	},
	{
		"capture/direction", "replies are recorded as going to the device",
		"host/capture/capture.go",
		`b[0] = fromDevice`,
		`b[0] = toDevice`,
		captures,
	},
	{
		"replay/repeats", "a request that was sent again is done again",
		"host/replay/replay.go",
		`repeat := p.done[p.key(q)]; !repeat {`,
		`repeat := p.done[p.key(q)]; !repeat || true {`,
		captures,
	},
	{
		"host/patient-hello", "a greeting that gets lost is repeated ever more rarely",
		"host/session.go",
		`	if r.op != proto.OpHello {
		r.timeout`,
		`	if true {
		r.timeout`,
		greetings,
	},

	// The network and the keys.
	{
		"eth/damaged", "a frame with a wrong check sequence passes",
		"hdl/rtl/nmc_eth_rx.v",
		`good = judge_q && right_q && `,
		`good = judge_q && `,
		malformed,
	},
	{
		"eth/runt", "a short frame goes out a byte too short",
		"hdl/rtl/nmc_eth_tx.v",
		`if ((last_q || state_q == SPad) && most_q) begin
              state_q`,
		`if ((last_q || state_q == SPad) && count_q >= Least - 6'd1) begin
              state_q`,
		answers,
	},
	{
		"net/trusting", "a datagram with a wrong checksum is obeyed",
		"hdl/rtl/nmc_net_rx.v",
		`udp_q && sized_q && (right || !sum_q);`,
		`udp_q && sized_q;`,
		malformed,
	},
	{
		"net/anyones", "a datagram for another address is obeyed",
		"hdl/rtl/nmc_net_rx.v",
		`(mine_q || (any_q && all_q && udp_q))`,
		`(mine_q || udp_q)`,
		malformed,
	},
	{
		"net/length", "UDP's length is IP's",
		"hdl/rtl/nmc_net_tx.v",
		`n_q - (h_q[5] ? 11'd34 : 11'd14)`,
		`n_q - 11'd14`,
		sizes,
	},
	{
		"siphash/rounds", "a round's second half turns the wrong word",
		"hdl/rtl/nmc_siphash.v",
		`v2_q <= half ? {b[31:0], b[63:32]} : b;`,
		`v2_q <= half ? b : {b[31:0], b[63:32]};`,
		hashes,
	},
}
