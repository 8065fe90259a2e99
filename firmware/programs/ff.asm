; forward-forward: Δw_l = -η (δ_l⁺ x_l⁺ᵀ + δ_l⁻ x_l⁻ᵀ),  δ_l⁺ = -(1 - σ(z⁺)) h_l⁺,  δ_l⁻ = σ(z⁻) h_l⁻,  z = sharpness (g_l - threshold),  g_l = mean h_l²,  h_l = max(0, u_l),  u_1 = W_1 x + label L y,  x_(l+1) = h_l/rms(h_l)
; 196-40-10, relu, 4 lanes

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
.reg    r18 32106:0 "scale_labels"
.reg    r19 0 "zero"
.reg    r20 0 "trip_1"
.reg    r21 0 "class"
.reg    r22 8192 "strength"
.reg    r23 0 "squares_a1"
.reg    r24 0 "good"
.reg    r25 26214 "part_26214_20"
.reg    r26 -1:-32768 "least"
.reg    r27 0 "wrong"
.reg    r28 0 "squares_a1p"
.reg    r29 0 "exceeds_17"
.reg    r30 -26214 "minus_part_26214_18"
.reg    r31 0 "coefficient"
.reg    r32 0 "squares_a1n"
.reg    r33 26214 "part_26214_18"
.reg    r34 0 "e"
.reg    r35 0 "one"
.reg    r36 32692:-23875 "rate1_factor"
.reg    r37 -2098:-13107 "rate1_final"
.reg    r38 32767:-32768 "bounds_-32768_32767"
.reg    r39 32767:0 "bounds_0_32767"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r19 bounds=r38 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r19                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r38 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        set      rd=r34 imm=196                                                                        ; set e, #196
        set      rd=r35 imm=256                                                                        ; set one, #256
        store    rb=r35 index ra=r34                                                                   ; store x, e, one
        store    rb=r35 at=50 index ra=r34                                                             ; store x, e, one buffer=1
        set      rd=r34 imm=40                                                                         ; set e, #40
        set      rd=r35 imm=2048                                                                       ; set one, #2048
        store    rb=r35 at=110 index ra=r34                                                            ; store h1, e, one
        key      stream=1 ra=r19                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+10 cols=40 rows=10 rate=r18 shift=19 round=nearest bounds=r38 set ; blend labels, scale_labels cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=19 source=uniform stream=1
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r38 group=r4              ; mac.b u1, w1, x cols=40 hi=32767 lo=-32768 round=nearest rows=197 shift=11
        set      rd=r20 imm=10                                                                         ; repeat trip_1 n=10
L25:
        add      rd=r21 ra=r20 rb=r19 imm=-1                                                           ; addi class, trip_1, #-1
        vec.mac  c=#0 d=126 n=10 round=nearest bounds=r38                                              ; vec y, _, _, #0 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        store    rb=r22 at=126 index ra=r21                                                            ; store y, class, strength
        mac.b    w=1970+10 cols=40 rows=10 s=126 d=129 shift=15 round=nearest bounds=r38               ; mac.b a1, labels, y cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[129] b=#16384 c=[100] d=129 n=40 shift=14 round=nearest bounds=r39                 ; vec a1, a1, #16384, u1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=14
        dot      a=[129] b=[129] d=r23 n=40 shift=5                                                    ; dot squares_a1, a1, a1 n=40 shift=5
        mul      rd=r24 ra=r23 rb=r25 shift=27                                                         ; mul good, squares_a1, part_26214_20 shift=27
        store    rb=r24 at=121 index ra=r21                                                            ; store goodness, class, good
        loop     rd=r20 to=L25
        vec.mac  a=[121] b=#16384 d=139 n=10 shift=14 round=nearest bounds=r38                         ; vec rivals, goodness, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        store    rb=r26 at=139 index ra=r1                                                             ; store rivals, label, least
        amax     a=[139] d=r12 n=10                                                                    ; amax max, rivals n=10
        add      rd=r27 ra=r13 rb=r19                                                                  ; addi wrong, argmax, #0
        vec.mac  c=#0 d=142 n=10 round=nearest bounds=r38                                              ; vec yp, _, _, #0 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        store    rb=r22 at=142 index ra=r1                                                             ; store yp, label, strength
        mac.b    w=1970+10 cols=40 rows=10 s=142 d=145 shift=15 round=nearest bounds=r38               ; mac.b a1p, labels, yp cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[145] b=#16384 c=[100] d=145 n=40 shift=14 round=nearest bounds=r39                 ; vec a1p, a1p, #16384, u1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=14
        vec.mac  c=#0 d=155 n=10 round=nearest bounds=r38                                              ; vec yn, _, _, #0 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        store    rb=r22 at=155 index ra=r27                                                            ; store yn, wrong, strength
        mac.b    w=1970+10 cols=40 rows=10 s=155 d=158 shift=15 round=nearest bounds=r38               ; mac.b a1n, labels, yn cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[158] b=#16384 c=[100] d=158 n=40 shift=14 round=nearest bounds=r39                 ; vec a1n, a1n, #16384, u1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=14
        dot      a=[145] b=[145] d=r28 n=40 shift=5                                                    ; dot squares_a1p, a1p, a1p n=40 shift=5
        add      rd=r29 ra=r28 rb=r19 imm=-10485760                                                    ; addi exceeds_17, squares_a1p, #-10485760
        mul      rd=r29 ra=r29 rb=r30 shift=23                                                         ; mul exceeds_17, exceeds_17, minus_part_26214_18 shift=23
        store    rb=r29 at=124 index ra=r19                                                            ; store z, zero, exceeds_17
        tab      a=[124] d=125 n=1 bounds=r38                                                          ; tab c, z, sigmoid15 hi=32767 lo=-32768 n=1
        load     rd=r31 at=125 index ra=r19                                                            ; load coefficient, c, zero
        sub      rd=r31 ra=r19 rb=r31                                                                  ; sub coefficient, zero, coefficient
        vec.mac  a=[145] b=r31 d=168 n=40 shift=14 round=nearest bounds=r38                            ; vec d1p, a1p, coefficient, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        dot      a=[158] b=[158] d=r32 n=40 shift=5                                                    ; dot squares_a1n, a1n, a1n n=40 shift=5
        add      rd=r29 ra=r32 rb=r19 imm=-10485760                                                    ; addi exceeds_17, squares_a1n, #-10485760
        mul      rd=r29 ra=r29 rb=r33 shift=23                                                         ; mul exceeds_17, exceeds_17, part_26214_18 shift=23
        store    rb=r29 at=124 index ra=r19                                                            ; store z, zero, exceeds_17
        tab      a=[124] d=125 n=1 bounds=r38                                                          ; tab c, z, sigmoid15 hi=32767 lo=-32768 n=1
        load     rd=r31 at=125 index ra=r19                                                            ; load coefficient, c, zero
        vec.mac  a=[158] b=r31 d=178 n=40 shift=14 round=nearest bounds=r38                            ; vec d1n, a1n, coefficient, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[168] b=#16384 c=[178] d=188 n=40 shift=14 round=nearest bounds=r38                 ; vec d1, d1p, #16384, d1n fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        key      stream=2 ra=r14                                                                       ; key step stream=2
        upd.b    w=0+10 cols=40 rows=197 v=188 rate=r15 shift=27 round=stochastic bounds=r38 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=27 stream=2
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=1970+10 cols=40 rows=10 s=142 v=168 rate=r15 shift=31 round=stochastic bounds=r38   ; upd.b labels, rate1, yp, d1p cols=40 hi=32767 lo=-32768 round=stochastic rows=10 shift=31 stream=3
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=1970+10 cols=40 rows=10 s=155 v=178 rate=r15 shift=31 round=stochastic bounds=r38   ; upd.b labels, rate1, yn, d1n cols=40 hi=32767 lo=-32768 round=stochastic rows=10 shift=31 stream=4
        amax     a=[121] d=r12 n=10                                                                    ; amax max, goodness n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r36 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r37                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r19 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r38 group=r4              ; mac.b u1, w1, x cols=40 hi=32767 lo=-32768 round=nearest rows=197 shift=11
        set      rd=r20 imm=10                                                                         ; repeat trip_1 n=10
L77:
        add      rd=r21 ra=r20 rb=r19 imm=-1                                                           ; addi class, trip_1, #-1
        vec.mac  c=#0 d=126 n=10 round=nearest bounds=r38                                              ; vec y, _, _, #0 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        store    rb=r22 at=126 index ra=r21                                                            ; store y, class, strength
        mac.b    w=1970+10 cols=40 rows=10 s=126 d=129 shift=15 round=nearest bounds=r38               ; mac.b a1, labels, y cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[129] b=#16384 c=[100] d=129 n=40 shift=14 round=nearest bounds=r39                 ; vec a1, a1, #16384, u1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=14
        dot      a=[129] b=[129] d=r23 n=40 shift=5                                                    ; dot squares_a1, a1, a1 n=40 shift=5
        mul      rd=r24 ra=r23 rb=r25 shift=27                                                         ; mul good, squares_a1, part_26214_20 shift=27
        store    rb=r24 at=121 index ra=r21                                                            ; store goodness, class, good
        loop     rd=r20 to=L77
        amax     a=[121] d=r12 n=10                                                                    ; amax max, goodness n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+10 rows=10 cols=40                                                    ; dig labels
        dig      tensor=2 space=registers at=r14 n=1                                                   ; digs step id=2
        dig      tensor=3 space=registers at=r15 n=1                                                   ; digs rate1 id=3
        halt                                                                                           ; halt
