; a rule of its own: ΔW = dw(x0, x1, …, y0, y1, …, w, rate, reward, error) for each synapse of the hidden layers; readout: Δw = -η (p - y) hᵀ
; 196-40-10, sigmoid, 4 lanes

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
.reg    r18 0 "rate1_minus"
.reg    r19 0 "zero"
.reg    r20 20972:0 "coef1_2"
.reg    r21 0 "e"
.reg    r22 0 "one"
.reg    r23 0 "sum"
.reg    r24 0 "scale"
.reg    r25 16384:0 "unit"
.reg    r26 32692:-23875 "rate1_factor"
.reg    r27 -2098:-13107 "rate1_final"
.reg    r28 32692:-23875 "coef1_2_factor"
.reg    r29 2097:13107 "coef1_2_final"
.reg    r30 32767:-32768 "bounds_-32768_32767"
.reg    r31 32766:-32767 "bounds_-32767_32766"

.entry  init
        key      ra=r19                                                                                 ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r30 set    ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1960+11 cols=41 rows=10 rate=r19 bounds=r30 set                                      ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=1 ra=r19                                                                        ; key zero stream=1
        blend    wsrc=uniform w=1960+11 cols=40 rows=10 rate=r17 shift=17 round=nearest bounds=r30 set  ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r21 imm=196                                                                         ; set e, #196
        set      rd=r22 imm=256                                                                         ; set one, #256
        store    rb=r22 index ra=r21                                                                    ; store x, e, one
        store    rb=r22 at=50 index ra=r21                                                              ; store x, e, one buffer=1
        set      rd=r21 imm=40                                                                          ; set e, #40
        set      rd=r22 imm=4096                                                                        ; set one, #4096
        store    rb=r22 at=110 index ra=r21                                                             ; store h1, e, one
        set      rd=r14                                                                                 ; set step, #0
        set      rd=r15 imm=-1374420992                                                                 ; set rate1, #-1374420992
        set      rd=r20 imm=1374420992                                                                  ; set coef1_2, #1374420992
        halt                                                                                            ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=196 d=100 shift=10 round=nearest bounds=r31 group=r4               ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=196 shift=10
        tab      a=[100] d=110 n=40 bounds=r30                                                          ; tab h1, u1, sigmoid12 hi=32767 lo=-32768 n=40
        mac.r    w=1960+11 cols=41 rows=10 v=110 d=121 shift=16 round=nearest bounds=r30                ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        vec.mac  a=r12 b=#-1 c=[121] d=192 n=10 round=nearest bounds=r31                                ; vec z_10_11, max, #-1, u2 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[192] b=#2 d=192 n=10 round=nearest bounds=r31                                       ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[192] table=256 d=189 n=10 bounds=r30                                                ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[189] b=#1 d=r23 n=10                                                                ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r24 ra=r25 rb=r23                                                                   ; div scale, unit, sum shift=0
        vec.mac  a=[189] b=r24 d=124 n=10 shift=15 round=nearest bounds=r30                             ; vec h2, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[124] d=127 n=10 round=nearest bounds=r30                                            ; vec d2, _, _, h2 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r21 at=127 index ra=r1                                                              ; load e, d2, label
        add      rd=r21 ra=r21 rb=r19 imm=-32768                                                        ; addi e, e, #-32768
        store    rb=r21 at=127 index ra=r1                                                              ; store d2, label, e
        sub      rd=r18 ra=r19 rb=r15                                                                   ; sub rate1_minus, zero, rate1
        vec.mac  a=[110] b=[110] d=130 n=40 shift=10 round=nearest bounds=r30                           ; vec q1_1, h1, h1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=10
        vec.mac  c=#0 d=140 n=196 round=nearest bounds=r30                                              ; vec goal1_2, _, _, #0 fn=mac hi=32767 lo=-32768 n=196 round=nearest shift=0
        key      stream=2 ra=r14                                                                        ; key step stream=2
        upd.b    w=0+10 cols=40 rows=196 s=140 v=130 rate=r18 shift=35 round=stochastic bounds=r30 pull ; upd.b w1, rate1_minus, goal1_2, q1_1 cols=40 hi=32767 lo=-32768 pull=1 round=stochastic rows=196 shift=35 stream=2
        key      stream=3 ra=r14                                                                        ; key step stream=3
        upd.b    w=0+10 cols=40 rows=196 v=110 rate=r20 shift=27 round=stochastic bounds=r30 group=r4   ; upd.b w1, coef1_2, x, h1 cols=40 hi=32767 lo=-32768 round=stochastic rows=196 shift=27 stream=3
        key      stream=4 ra=r14                                                                        ; key step stream=4
        upd.b    w=1960+11 cols=41 rows=10 s=127 v=110 rate=r15 shift=34 round=stochastic bounds=r30    ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=34 stream=4
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r19                                                                    ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                    ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r26 shift=31                                                          ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r27                                                                   ; min rate1, rate1, rate1_final
        mul      rd=r20 ra=r20 rb=r28 shift=31                                                          ; mul coef1_2, coef1_2, coef1_2_factor shift=31
        max      rd=r20 ra=r20 rb=r29                                                                   ; max coef1_2, coef1_2, coef1_2_final
        add      rd=r14 ra=r14 rb=r19 imm=1                                                             ; addi step, step, #1
        halt                                                                                            ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=196 d=100 shift=10 round=nearest bounds=r31 group=r4               ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=196 shift=10
        tab      a=[100] d=110 n=40 bounds=r30                                                          ; tab h1, u1, sigmoid12 hi=32767 lo=-32768 n=40
        mac.r    w=1960+11 cols=41 rows=10 v=110 d=121 shift=16 round=nearest bounds=r30                ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[121] d=r12 n=10                                                                     ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r19                                                                    ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                    ; addi score, max, #0
        halt                                                                                            ; halt

.entry  digest
        dig      w=0+10 rows=196 cols=40                                                                ; dig w1
        dig      tensor=1 w=1960+11 rows=10 cols=41                                                     ; dig w2
        dig      tensor=2 space=registers at=r14 n=1                                                    ; digs step id=2
        dig      tensor=3 space=registers at=r15 n=1                                                    ; digs rate1 id=3
        dig      tensor=4 space=registers at=r20 n=1                                                    ; digs coef1_2 id=4
        halt                                                                                            ; halt
