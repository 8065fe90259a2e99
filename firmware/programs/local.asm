; local losses: Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (C_lᵀ e_l) ⊙ f'(u_l),  e_l = g(C_l h_l + c_l) - y,  Δc_l = -η classifier_rate e_l h_lᵀ,  δ_L = p - y
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
.reg    r18 17767:0 "scale_c1"
.reg    r19 0 "zero"
.reg    r20 0 "e"
.reg    r21 0 "one"
.reg    r22 0 "sum"
.reg    r23 0 "scale"
.reg    r24 16384:0 "unit"
.reg    r25 32692:-23875 "rate1_factor"
.reg    r26 -2098:-13107 "rate1_final"
.reg    r27 32767:-32768 "bounds_-32768_32767"
.reg    r28 32767:0 "bounds_0_32767"
.reg    r29 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r19 bounds=r27 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r19                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r27 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=10 rate=r19 bounds=r27 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=1 ra=r19                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=10 rate=r17 shift=17 round=nearest bounds=r27 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r20 imm=196                                                                        ; set e, #196
        set      rd=r21 imm=256                                                                        ; set one, #256
        store    rb=r21 index ra=r20                                                                   ; store x, e, one
        store    rb=r21 at=50 index ra=r20                                                             ; store x, e, one buffer=1
        set      rd=r20 imm=40                                                                         ; set e, #40
        set      rd=r21 imm=2048                                                                       ; set one, #2048
        store    rb=r21 at=100 index ra=r20                                                            ; store h1, e, one
        blend    w=2080+11 cols=41 rows=10 rate=r19 bounds=r27 set                                     ; blend c1, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=2 ra=r19                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2080+11 cols=40 rows=10 rate=r18 shift=17 round=nearest bounds=r27 set ; blend c1, scale_c1 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=2
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r28 group=r4              ; mac.b h1, w1, x cols=40 hi=32767 lo=0 round=nearest rows=197 shift=11
        mac.r    w=2080+11 cols=41 rows=10 v=100 d=117 shift=15 round=nearest bounds=r27               ; mac.r u_c1, c1, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[117] d=r12 n=10                                                                    ; amax max, u_c1 n=10
        vec.mac  a=r12 b=#-1 c=[117] d=142 n=10 round=nearest bounds=r29                               ; vec z_10_11, max, #-1, u_c1 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[142] b=#2 d=142 n=10 round=nearest bounds=r29                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[142] d=139 n=10 bounds=r27                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[139] b=#1 d=r22 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r23 ra=r24 rb=r22                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[139] b=r23 d=120 n=10 shift=15 round=nearest bounds=r27                            ; vec q_c1, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[120] d=123 n=10 round=nearest bounds=r27                                           ; vec e_c1, _, _, q_c1 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r20 at=123 index ra=r1                                                             ; load e, e_c1, label
        add      rd=r20 ra=r20 rb=r19 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r20 at=123 index ra=r1                                                             ; store e_c1, label, e
        mac.b    w=2080+11 cols=40 rows=10 s=123 d=126 shift=15 round=nearest bounds=r27               ; mac.b d1, c1, e_c1 cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.sel  a=[100] b=[126] d=126 n=40 round=nearest bounds=r27                                   ; vec d1, h1, d1, _ fn=sel hi=32767 lo=-32768 n=40 round=nearest shift=0
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=0+10 cols=40 rows=197 v=126 rate=r15 shift=29 round=stochastic bounds=r27 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=29 stream=3
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=2080+11 cols=41 rows=10 s=123 v=100 rate=r15 shift=31 round=stochastic bounds=r27   ; upd.b c1, rate1, e_c1, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=31 stream=4
        mac.r    w=1970+11 cols=41 rows=10 v=100 d=111 shift=15 round=nearest bounds=r27               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[111] d=r12 n=10                                                                    ; amax max, u2 n=10
        vec.mac  a=r12 b=#-1 c=[111] d=142 n=10 round=nearest bounds=r29                               ; vec z_10_11, max, #-1, u2 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[142] b=#2 d=142 n=10 round=nearest bounds=r29                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[142] d=139 n=10 bounds=r27                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[139] b=#1 d=r22 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r23 ra=r24 rb=r22                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[139] b=r23 d=114 n=10 shift=15 round=nearest bounds=r27                            ; vec h2, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[114] d=136 n=10 round=nearest bounds=r27                                           ; vec d2, _, _, h2 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r20 at=136 index ra=r1                                                             ; load e, d2, label
        add      rd=r20 ra=r20 rb=r19 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r20 at=136 index ra=r1                                                             ; store d2, label, e
        key      stream=5 ra=r14                                                                       ; key step stream=5
        upd.b    w=1970+11 cols=41 rows=10 s=136 v=100 rate=r15 shift=33 round=stochastic bounds=r27   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=33 stream=5
        amax     a=[111] d=r12 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r25 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r26                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r19 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r28 group=r4              ; mac.b h1, w1, x cols=40 hi=32767 lo=0 round=nearest rows=197 shift=11
        mac.r    w=1970+11 cols=41 rows=10 v=100 d=111 shift=15 round=nearest bounds=r27               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[111] d=r12 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=10 cols=41                                                    ; dig w2
        dig      tensor=2 w=2080+11 rows=10 cols=41                                                    ; dig c1
        dig      tensor=3 space=registers at=r14 n=1                                                   ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                   ; digs rate1 id=4
        halt                                                                                           ; halt
