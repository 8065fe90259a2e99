; spike-timing-dependent plasticity: Δw_ij = η s_i x_j (bound - w_ij) - η depression s_j x_i w_ij (soft bounds), or η s_i x_j - η depression s_j x_i (hard),  x <- trace x + s,  v <- leak v + W s; the unit of the largest v - θ >= 0 spikes and its v is 0; the unit that spikes first learns,  w_i <- w_i total/Σ_j w_ij,  Δθ_i = η homeostasis (first_i - quiet/units),  ΔV_ci = η n_i (y_c - V_ci),  n_i spikes of unit i; answer: the largest Σ_i V_ci n_i
; 196-40-10, alif, 4 lanes

.reg    r0 3 "seed"
.reg    r1 0 "label"
.reg    r2 0 "prediction"
.reg    r3 0 "score"
.reg    r4 0 "input"
.reg    r5 0 "input_walk"
.reg    r9 0 "lanes_walk"
.reg    r11 0 "input_lanes"
.reg    r12 0 "max"
.reg    r13 0 "argmax"
.reg    r14 0 "step"
.reg    r15 -20972:0 "rate1"
.reg    r16 32106:0 "scale_w1"
.reg    r17 17767:0 "scale_w2"
.reg    r18 0 "zero"
.reg    r19 1 "whole"
.reg    r20 0 "first"
.reg    r21 0 "spikes"
.reg    r22 0 "x_post"
.reg    r23 5 "most_spikes"
.reg    r24 0 "input_sum"
.reg    r25 0 "gain"
.reg    r26 640:0 "events"
.reg    r27 0 "trip_1"
.reg    r28 30720 "decay"
.reg    r29 0 "any"
.reg    r30 1024 "one_spike"
.reg    r31 -26424:0 "rate_fall"
.reg    r32 0 "fall"
.reg    r33 0 "eta"
.reg    r34 0 "row_sum"
.reg    r35 0 "row_scale"
.reg    r36 2:-32768 "total"
.reg    r37 16384:0 "exact"
.reg    r38 -18350:0 "rate_rise"
.reg    r39 0 "rise"
.reg    r40 0 "level"
.reg    r41 0 "e"
.reg    r42 0 "one"
.reg    r43 32692:-23875 "rate1_factor"
.reg    r44 -2098:-13107 "rate1_final"
.reg    r45 32692:-23875 "rate_fall_factor"
.reg    r46 -2643:-26214 "rate_fall_final"
.reg    r47 32692:-23875 "rate_rise_factor"
.reg    r48 -1835:0 "rate_rise_final"
.reg    r49 32767:0 "bounds_0_32767"
.reg    r50 32767:-32768 "bounds_-32768_32767"
.reg    r51 16384:0 "bounds_0_16384"
.reg    r52 1024:0 "bounds_0_1024"
.reg    r53 32766:-32767 "bounds_-32767_32766"
.reg    r54 1:0 "bounds_0_1"
.reg    r55 5120:0 "bounds_0_5120"

.entry  init
        key      ra=r18                                                                                   ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r49 set      ; blend w1, scale_w1 cols=40 hi=32767 lo=0 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        key      stream=1 ra=r18                                                                          ; key zero stream=1
        blend    wsrc=uniform w=1960+10 cols=40 rows=10 rate=r18 shift=17 round=nearest bounds=r50 set    ; blend w2, zero cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r41 imm=196                                                                           ; set e, #196
        set      rd=r42 imm=256                                                                           ; set one, #256
        store    rb=r42 index ra=r41                                                                      ; store x, e, one
        store    rb=r42 at=50 index ra=r41                                                                ; store x, e, one buffer=1
        set      rd=r41 imm=40                                                                            ; set e, #40
        set      rd=r42 imm=1024                                                                          ; set one, #1024
        store    rb=r42 at=100 index ra=r41                                                               ; store h1, e, one
        vec.mac  c=#1792 d=428 n=40 round=nearest bounds=r50                                              ; vec theta, _, _, #1792 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        set      rd=r14                                                                                   ; set step, #0
        set      rd=r15 imm=-1374420992                                                                   ; set rate1, #-1374420992
        set      rd=r31 imm=-1731723264                                                                   ; set rate_fall, #-1731723264
        set      rd=r38 imm=-1202585600                                                                   ; set rate_rise, #-1202585600
        halt                                                                                              ; halt

.entry  learn
        dot      a=[0] b=#1 d=r24 n=196 group=r4                                                          ; dot input_sum, x, #1 n=196 shift=0
        div      rd=r25 ra=r26 rb=r24                                                                     ; div gain, events, input_sum shift=0
        vec.mac  a=[0] b=r25 d=114 n=196 shift=6 round=nearest bounds=r51 group=r4                        ; vec p, x, gain, _ fn=mac hi=16384 lo=0 n=196 round=nearest shift=6
        vec.mac  c=#8192 d=163 n=196 round=nearest bounds=r50                                             ; vec phase, _, _, #8192 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        vec.mac  c=#0 d=418 n=40 round=nearest bounds=r50                                                 ; vec v, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  c=#0 d=100 n=40 round=nearest bounds=r50                                                 ; vec h1, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        set      rd=r21                                                                                   ; set spikes, #0
        set      rd=r20 imm=-1                                                                            ; set first, #-1
        set      rd=r22                                                                                   ; set x_post, #0
        vec.mac  c=#0 d=261 n=196 round=nearest bounds=r50                                                ; vec x_pre, _, _, #0 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        vec.mac  c=#0 d=310 n=196 round=nearest bounds=r50                                                ; vec up, _, _, #0 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        vec.mac  c=#0 d=359 n=196 round=nearest bounds=r50                                                ; vec down, _, _, #0 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        set      rd=r27 imm=16                                                                            ; repeat trip_1 n=16
L38:
        vec.mac  a=[114] b=#16384 c=[163] d=163 n=196 shift=14 round=nearest bounds=r50                   ; vec phase, p, #16384, phase fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=14
        vec.ge   a=[163] c=#16384 d=212 n=196 round=nearest bounds=r52                                    ; vec s, phase, _, #16384 fn=ge hi=1024 lo=0 n=196 round=nearest shift=0
        vec.mac  a=[212] b=#-16384 c=[163] d=163 n=196 shift=10 round=nearest bounds=r50                  ; vec phase, s, #-16384, phase fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=10
        jlt      ra=r20 rb=r18 to=L44                                                                     ; if first, zero cond=ge
        mul      rd=r22 ra=r22 rb=r28 shift=15                                                            ; mul x_post, x_post, decay shift=15
        vec.mac  a=[212] b=r22 c=[359] d=359 n=196 shift=14 round=nearest bounds=r53                      ; vec down, s, x_post, down fn=mac hi=32766 lo=-32767 n=196 round=nearest shift=14
L44:
        jge      ra=r21 rb=r23 to=L63                                                                     ; if spikes, most_spikes cond=lt
        vec.mac  a=[261] b=#30720 c=[212] d=261 n=196 shift=15 round=nearest bounds=r50                   ; vec x_pre, x_pre, #30720, s fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=15
        mac.b    w=0+10 cols=40 rows=196 s=212 d=408 shift=16 round=nearest bounds=r50                    ; mac.b current, w1, s cols=40 hi=32767 lo=-32768 round=nearest rows=196 shift=16
        vec.mac  a=[418] b=#30720 c=[408] d=418 n=40 shift=15 round=nearest bounds=r53                    ; vec v, v, #30720, current fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=15
        vec.ge   a=[418] c=[428] d=438 n=40 round=nearest bounds=r54                                      ; vec over, v, _, theta fn=ge hi=1 lo=0 n=40 round=nearest shift=0
        dot      a=[438] b=#1 d=r29 n=40                                                                  ; dot any, over, #1 n=40 shift=0
        jeq      ra=r29 rb=r18 to=L63                                                                     ; if any, zero cond=ne
        vec.mac  a=[428] b=#-16384 c=[418] d=448 n=40 shift=14 round=nearest bounds=r53                   ; vec above, theta, #-16384, v fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=14
        amax     a=[448] d=r12 n=40                                                                       ; amax max, above n=40
        store    rb=r18 at=418 index ra=r13                                                               ; store v, argmax, zero
        vec.mac  c=#0 d=458 n=40 round=nearest bounds=r50                                                 ; vec spike, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        store    rb=r30 at=458 index ra=r13                                                               ; store spike, argmax, one_spike
        vec.mac  a=[458] b=#16384 c=[100] d=100 n=40 shift=14 round=nearest bounds=r55                    ; vec h1, spike, #16384, h1 fn=mac hi=5120 lo=0 n=40 round=nearest shift=14
        add      rd=r21 ra=r21 rb=r18 imm=1                                                               ; addi spikes, spikes, #1
        jge      ra=r20 rb=r18 to=L60                                                                     ; if first, zero cond=lt
        add      rd=r20 ra=r13 rb=r18                                                                     ; addi first, argmax, #0
L60:
        jne      ra=r20 rb=r13 to=L63                                                                     ; if first, argmax cond=eq
        vec.mac  a=[261] b=#16384 c=[310] d=310 n=196 shift=16 round=nearest bounds=r53                   ; vec up, x_pre, #16384, up fn=mac hi=32766 lo=-32767 n=196 round=nearest shift=16
        add      rd=r22 ra=r22 rb=r18 imm=4096                                                            ; addi x_post, x_post, #4096
L63:
        loop     rd=r27 to=L38
        mac.r    w=1960+10 cols=40 rows=10 v=100 d=111 shift=13 round=nearest bounds=r50                  ; mac.r u2, w2, h1 cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=13
        shr      rd=r32 ra=r31 shift=16                                                                   ; shr fall, rate_fall shift=16
        key      stream=2 ra=r14                                                                          ; key step stream=2
        vec.mac  a=r32 b=#1 c=[428] d=428 n=40 shift=15 round=stochastic bounds=r49                       ; vec theta, fall, #1, theta fn=mac hi=32767 lo=0 n=40 round=stochastic shift=15 stream=2
        jlt      ra=r20 rb=r18 to=L95                                                                     ; if first, zero cond=ge
        vec.mac  c=#0 d=468 n=40 round=nearest bounds=r50                                                 ; vec first_unit, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        store    rb=r19 at=468 index ra=r20                                                               ; store first_unit, first, whole
        mac.r    w=0+10 cols=40 rows=196 v=468 d=527 round=nearest bounds=r50                             ; mac.r w_was, w1, first_unit cols=40 hi=32767 lo=-32768 round=nearest rows=196 shift=0
        vec.mac  a=[310] b=#16384 d=625 n=196 shift=16 round=nearest bounds=r50                           ; vec both, up, #16384, _ fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=16
        vec.mac  a=[359] b=#24576 c=[625] d=625 n=196 shift=15 round=nearest bounds=r50                   ; vec both, down, #24576, both fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=15
        vec.mac  a=[310] b=#-16384 d=576 n=196 shift=12 round=nearest bounds=r53                          ; vec d, up, #-16384, _ fn=mac hi=32766 lo=-32767 n=196 round=nearest shift=12
        vec.mac  a=[625] b=[527] c=[576] d=576 n=196 shift=10 round=nearest bounds=r53                    ; vec d, both, w_was, d fn=mac hi=32766 lo=-32767 n=196 round=nearest shift=10
        shr      rd=r33 ra=r15 shift=16                                                                   ; shr eta, rate1 shift=16
        key      stream=3 ra=r14                                                                          ; key step stream=3
        vec.mac  a=[576] b=r33 c=[527] d=478 n=196 shift=17 round=stochastic bounds=r51                   ; vec w, d, eta, w_was fn=mac hi=16384 lo=0 n=196 round=stochastic shift=17 stream=3
        dot      a=[478] b=#1 d=r34 n=196                                                                 ; dot row_sum, w, #1 n=196 shift=0
        div      rd=r35 ra=r36 rb=r34 shift=14                                                            ; div row_scale, total, row_sum shift=14
        key      stream=4 ra=r14                                                                          ; key step stream=4
        vec.mac  a=[478] b=r35 d=478 n=196 shift=14 round=stochastic bounds=r51                           ; vec w, w, row_scale, _ fn=mac hi=16384 lo=0 n=196 round=stochastic shift=14 stream=4
        upd.b    w=0+10 cols=40 rows=196 s=478 v=468 rate=r37 shift=14 round=nearest bounds=r49 pull      ; upd.b w1, exact, w, first_unit cols=40 hi=32767 lo=0 pull=1 round=nearest rows=196 shift=14
        shr      rd=r39 ra=r38 shift=16                                                                   ; shr rise, rate_rise shift=16
        shr      rd=r39 ra=r39 shift=9                                                                    ; shr rise, rise shift=9
        load     rd=r40 at=428 index ra=r20                                                               ; load level, theta, first
        sub      rd=r40 ra=r40 rb=r39                                                                     ; sub level, level, rise
        store    rb=r40 at=428 index ra=r20                                                               ; store theta, first, level
        vec.mac  d=674 n=10 round=nearest bounds=r50                                                      ; vec label_votes, _, _, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        set      rd=r42 imm=16384                                                                         ; set one, #16384
        store    rb=r42 at=674 index ra=r1                                                                ; store label_votes, label, one
        vec.mac  a=[100] b=#-16384 d=677 n=40 shift=14 round=nearest bounds=r50                           ; vec minus_counts, h1, #-16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        key      stream=5 ra=r14                                                                          ; key step stream=5
        upd.b    w=1960+10 cols=40 rows=10 s=674 v=677 rate=r15 shift=31 round=stochastic bounds=r50 pull ; upd.b w2, rate1, label_votes, minus_counts cols=40 hi=32767 lo=-32768 pull=1 round=stochastic rows=10 shift=31 stream=5
L95:
        amax     a=[111] d=r12 n=10                                                                       ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r18                                                                      ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r18                                                                      ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r43 shift=31                                                            ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r44                                                                     ; min rate1, rate1, rate1_final
        mul      rd=r31 ra=r31 rb=r45 shift=31                                                            ; mul rate_fall, rate_fall, rate_fall_factor shift=31
        min      rd=r31 ra=r31 rb=r46                                                                     ; min rate_fall, rate_fall, rate_fall_final
        mul      rd=r38 ra=r38 rb=r47 shift=31                                                            ; mul rate_rise, rate_rise, rate_rise_factor shift=31
        min      rd=r38 ra=r38 rb=r48                                                                     ; min rate_rise, rate_rise, rate_rise_final
        add      rd=r14 ra=r14 rb=r18 imm=1                                                               ; addi step, step, #1
        halt                                                                                              ; halt

.entry  infer
        dot      a=[0] b=#1 d=r24 n=196 group=r4                                                          ; dot input_sum, x, #1 n=196 shift=0
        div      rd=r25 ra=r26 rb=r24                                                                     ; div gain, events, input_sum shift=0
        vec.mac  a=[0] b=r25 d=114 n=196 shift=6 round=nearest bounds=r51 group=r4                        ; vec p, x, gain, _ fn=mac hi=16384 lo=0 n=196 round=nearest shift=6
        vec.mac  c=#8192 d=163 n=196 round=nearest bounds=r50                                             ; vec phase, _, _, #8192 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        vec.mac  c=#0 d=418 n=40 round=nearest bounds=r50                                                 ; vec v, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  c=#0 d=100 n=40 round=nearest bounds=r50                                                 ; vec h1, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        set      rd=r21                                                                                   ; set spikes, #0
        set      rd=r27 imm=16                                                                            ; repeat trip_1 n=16
L114:
        jge      ra=r21 rb=r23 to=L130                                                                    ; if spikes, most_spikes cond=lt
        vec.mac  a=[114] b=#16384 c=[163] d=163 n=196 shift=14 round=nearest bounds=r50                   ; vec phase, p, #16384, phase fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=14
        vec.ge   a=[163] c=#16384 d=212 n=196 round=nearest bounds=r52                                    ; vec s, phase, _, #16384 fn=ge hi=1024 lo=0 n=196 round=nearest shift=0
        vec.mac  a=[212] b=#-16384 c=[163] d=163 n=196 shift=10 round=nearest bounds=r50                  ; vec phase, s, #-16384, phase fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=10
        mac.b    w=0+10 cols=40 rows=196 s=212 d=408 shift=16 round=nearest bounds=r50                    ; mac.b current, w1, s cols=40 hi=32767 lo=-32768 round=nearest rows=196 shift=16
        vec.mac  a=[418] b=#30720 c=[408] d=418 n=40 shift=15 round=nearest bounds=r53                    ; vec v, v, #30720, current fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=15
        vec.ge   a=[418] c=[428] d=438 n=40 round=nearest bounds=r54                                      ; vec over, v, _, theta fn=ge hi=1 lo=0 n=40 round=nearest shift=0
        dot      a=[438] b=#1 d=r29 n=40                                                                  ; dot any, over, #1 n=40 shift=0
        jeq      ra=r29 rb=r18 to=L130                                                                    ; if any, zero cond=ne
        vec.mac  a=[428] b=#-16384 c=[418] d=448 n=40 shift=14 round=nearest bounds=r53                   ; vec above, theta, #-16384, v fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=14
        amax     a=[448] d=r12 n=40                                                                       ; amax max, above n=40
        store    rb=r18 at=418 index ra=r13                                                               ; store v, argmax, zero
        vec.mac  c=#0 d=458 n=40 round=nearest bounds=r50                                                 ; vec spike, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        store    rb=r30 at=458 index ra=r13                                                               ; store spike, argmax, one_spike
        vec.mac  a=[458] b=#16384 c=[100] d=100 n=40 shift=14 round=nearest bounds=r55                    ; vec h1, spike, #16384, h1 fn=mac hi=5120 lo=0 n=40 round=nearest shift=14
        add      rd=r21 ra=r21 rb=r18 imm=1                                                               ; addi spikes, spikes, #1
L130:
        loop     rd=r27 to=L114
        mac.r    w=1960+10 cols=40 rows=10 v=100 d=111 shift=13 round=nearest bounds=r50                  ; mac.r u2, w2, h1 cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=13
        amax     a=[111] d=r12 n=10                                                                       ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r18                                                                      ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r18                                                                      ; addi score, max, #0
        halt                                                                                              ; halt

.entry  digest
        dig      w=0+10 rows=196 cols=40                                                                  ; dig w1
        dig      tensor=1 w=1960+10 rows=10 cols=40                                                       ; dig w2
        dig      tensor=2 space=vectors at=428 n=40                                                       ; digv theta id=2
        dig      tensor=3 space=registers at=r14 n=1                                                      ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                      ; digs rate1 id=4
        dig      tensor=5 space=registers at=r31 n=1                                                      ; digs rate_fall id=5
        dig      tensor=6 space=registers at=r38 n=1                                                      ; digs rate_rise id=6
        halt                                                                                              ; halt
