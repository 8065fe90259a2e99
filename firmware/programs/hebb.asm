; Hebbian learning: Δw_ij = η y_i (x̂_j - w_ij), or η y_i x̂_j with form = "plain",  u = W x̂,  x̂ = x/|x|,  y = who of u - θ learns, and how much: competition,  Δθ_i = conscience (y_i - mean y),  h = exp(contrast (u - max u)),  ΔW_L = -η (p - t) hᵀ
; 196-40-10, exp, 4 lanes

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
.reg    r18 0 "squares_pixels"
.reg    r19 0 "norm"
.reg    r20 0 "scale_16"
.reg    r21 8192:0 "length_536870912"
.reg    r22 -16384 "minus_one"
.reg    r23 16777 "loss1"
.reg    r24 0 "zero"
.reg    r25 0 "e"
.reg    r26 0 "one"
.reg    r27 0 "sum"
.reg    r28 0 "scale"
.reg    r29 16384:0 "unit"
.reg    r30 32692:-23875 "rate1_factor"
.reg    r31 -2098:-13107 "rate1_final"
.reg    r32 32767:0 "bounds_0_32767"
.reg    r33 32767:-32768 "bounds_-32768_32767"
.reg    r34 32766:0 "bounds_0_32766"
.reg    r35 0:-32767 "bounds_-32767_0"
.reg    r36 32766:-32767 "bounds_-32767_32766"

.entry  init
        key      ra=r24                                                                                 ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r32 set    ; blend w1, scale_w1 cols=40 hi=32767 lo=0 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1960+11 cols=41 rows=10 rate=r24 bounds=r33 set                                      ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=1 ra=r24                                                                        ; key zero stream=1
        blend    wsrc=uniform w=1960+11 cols=40 rows=10 rate=r17 shift=17 round=nearest bounds=r33 set  ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r25 imm=196                                                                         ; set e, #196
        set      rd=r26 imm=256                                                                         ; set one, #256
        store    rb=r26 index ra=r25                                                                    ; store x, e, one
        store    rb=r26 at=50 index ra=r25                                                              ; store x, e, one buffer=1
        set      rd=r25 imm=40                                                                          ; set e, #40
        set      rd=r26 imm=16384                                                                       ; set one, #16384
        store    rb=r26 at=110 index ra=r25                                                             ; store h1, e, one
        vec.mac  c=#0 d=235 n=40 round=nearest bounds=r33                                               ; vec threshold1, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        set      rd=r14                                                                                 ; set step, #0
        set      rd=r15 imm=-1374420992                                                                 ; set rate1, #-1374420992
        halt                                                                                            ; halt

.entry  learn
        vec.mac  a=[0] b=#16384 d=127 n=196 shift=14 round=nearest bounds=r33 group=r4                  ; vec pixels, x, #16384, _ fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=14
        dot      a=[127] b=[127] d=r18 n=196                                                            ; dot squares_pixels, pixels, pixels n=196 shift=0
        sqrt     rd=r19 ra=r18 shift=16                                                                 ; sqrt norm, squares_pixels shift=16
        div      rd=r20 ra=r21 rb=r19 shift=3                                                           ; div scale_16, length_536870912, norm shift=3
        vec.mac  a=[127] b=r20 d=176 n=196 shift=10 round=nearest bounds=r34                            ; vec unit_x, pixels, scale_16, _ fn=mac hi=32766 lo=0 n=196 round=nearest shift=10
        mac.b    w=0+10 cols=40 rows=196 s=176 d=100 shift=14 round=nearest bounds=r33                  ; mac.b u1, w1, unit_x cols=40 hi=32767 lo=-32768 round=nearest rows=196 shift=14
        vec.mac  a=[235] b=#-16384 c=[100] d=245 n=40 shift=14 round=nearest bounds=r33                 ; vec c1, threshold1, #-16384, u1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        amax     a=[245] d=r12 n=40                                                                     ; amax max, c1 n=40
        vec.mac  c=#0 d=225 n=40 round=nearest bounds=r33                                               ; vec d1, _, _, #0 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        store    rb=r22 at=225 index ra=r13                                                             ; store d1, argmax, minus_one
        key      stream=2 ra=r14                                                                        ; key step stream=2
        upd.b    w=0+10 cols=40 rows=196 s=176 v=225 rate=r15 shift=35 round=stochastic bounds=r33 pull ; upd.b w1, rate1, unit_x, d1 cols=40 hi=32767 lo=-32768 pull=1 round=stochastic rows=196 shift=35 stream=2
        vec.mac  a=[225] b=#-20972 c=[235] d=235 n=40 shift=20 round=nearest bounds=r33                 ; vec threshold1, d1, #-20972, threshold1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=20
        key      stream=3 ra=r14                                                                        ; key step stream=3
        vec.mac  a=r23 b=#-1 c=[235] d=235 n=40 shift=11 round=stochastic bounds=r33                    ; vec threshold1, loss1, #-1, threshold1 fn=mac hi=32767 lo=-32768 n=40 round=stochastic shift=11 stream=3
        amax     a=[100] d=r12 n=40                                                                     ; amax max, u1 n=40
        vec.mac  a=r12 b=#-1 c=[100] d=265 n=40 round=nearest bounds=r35                                ; vec below_u1, max, #-1, u1 fn=mac hi=0 lo=-32767 n=40 round=nearest shift=0
        vec.mac  a=[265] b=#24576 c=#0 d=255 n=40 shift=14 round=nearest bounds=r35                     ; vec z1, below_u1, #24576, #0 fn=mac hi=0 lo=-32767 n=40 round=nearest shift=14
        tab      a=[255] d=110 n=40 bounds=r33                                                          ; tab h1, z1, exp14 hi=32767 lo=-32768 n=40
        mac.r    w=1960+11 cols=41 rows=10 v=110 d=121 shift=18 round=nearest bounds=r33                ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=18
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        vec.mac  a=r12 b=#-1 c=[121] d=281 n=10 round=nearest bounds=r36                                ; vec z_10_11, max, #-1, u2 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[281] b=#2 d=281 n=10 round=nearest bounds=r36                                       ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[281] table=256 d=278 n=10 bounds=r33                                                ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[278] b=#1 d=r27 n=10                                                                ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r28 ra=r29 rb=r27                                                                   ; div scale, unit, sum shift=0
        vec.mac  a=[278] b=r28 d=124 n=10 shift=15 round=nearest bounds=r33                             ; vec h2, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[124] d=275 n=10 round=nearest bounds=r33                                            ; vec d2, _, _, h2 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r25 at=275 index ra=r1                                                              ; load e, d2, label
        add      rd=r25 ra=r25 rb=r24 imm=-32768                                                        ; addi e, e, #-32768
        store    rb=r25 at=275 index ra=r1                                                              ; store d2, label, e
        key      stream=4 ra=r14                                                                        ; key step stream=4
        upd.b    w=1960+11 cols=41 rows=10 s=275 v=110 rate=r15 shift=36 round=stochastic bounds=r33    ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=36 stream=4
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r24                                                                    ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r24                                                                    ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r30 shift=31                                                          ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r31                                                                   ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r24 imm=1                                                             ; addi step, step, #1
        halt                                                                                            ; halt

.entry  infer
        vec.mac  a=[0] b=#16384 d=127 n=196 shift=14 round=nearest bounds=r33 group=r4                  ; vec pixels, x, #16384, _ fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=14
        dot      a=[127] b=[127] d=r18 n=196                                                            ; dot squares_pixels, pixels, pixels n=196 shift=0
        sqrt     rd=r19 ra=r18 shift=16                                                                 ; sqrt norm, squares_pixels shift=16
        div      rd=r20 ra=r21 rb=r19 shift=3                                                           ; div scale_16, length_536870912, norm shift=3
        vec.mac  a=[127] b=r20 d=176 n=196 shift=10 round=nearest bounds=r34                            ; vec unit_x, pixels, scale_16, _ fn=mac hi=32766 lo=0 n=196 round=nearest shift=10
        mac.b    w=0+10 cols=40 rows=196 s=176 d=100 shift=14 round=nearest bounds=r33                  ; mac.b u1, w1, unit_x cols=40 hi=32767 lo=-32768 round=nearest rows=196 shift=14
        amax     a=[100] d=r12 n=40                                                                     ; amax max, u1 n=40
        vec.mac  a=r12 b=#-1 c=[100] d=265 n=40 round=nearest bounds=r35                                ; vec below_u1, max, #-1, u1 fn=mac hi=0 lo=-32767 n=40 round=nearest shift=0
        vec.mac  a=[265] b=#24576 c=#0 d=255 n=40 shift=14 round=nearest bounds=r35                     ; vec z1, below_u1, #24576, #0 fn=mac hi=0 lo=-32767 n=40 round=nearest shift=14
        tab      a=[255] d=110 n=40 bounds=r33                                                          ; tab h1, z1, exp14 hi=32767 lo=-32768 n=40
        mac.r    w=1960+11 cols=41 rows=10 v=110 d=121 shift=18 round=nearest bounds=r33                ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=18
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r24                                                                    ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r24                                                                    ; addi score, max, #0
        halt                                                                                            ; halt

.entry  digest
        dig      w=0+10 rows=196 cols=40                                                                ; dig w1
        dig      tensor=1 w=1960+11 rows=10 cols=41                                                     ; dig w2
        dig      tensor=2 space=vectors at=235 n=40                                                     ; digv threshold1 id=2
        dig      tensor=3 space=registers at=r14 n=1                                                    ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                    ; digs rate1 id=4
        halt                                                                                            ; halt
