; predictive coding: Δw_l = η ε_l h_(l-1)ᵀ,  ε_l = x_l - μ_l, ε_L = precision (y - p),  μ_l = W_l h_(l-1) + b_l, h_l = f(x_l), p = g(μ_L),  x_l += step (f'(x_l) ⊙ W_(l+1)ᵀ ε_(l+1) - ε_l), l = L-1..1, from x_l = μ_l on
; 196-40-20-10, relu, 4 lanes

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
.reg    r18 25127:0 "scale_w3"
.reg    r19 0 "trip_1"
.reg    r20 0 "zero"
.reg    r21 0 "e"
.reg    r22 0 "one"
.reg    r23 0 "sum"
.reg    r24 0 "scale"
.reg    r25 16384:0 "unit"
.reg    r26 32692:-23875 "rate1_factor"
.reg    r27 -2098:-13107 "rate1_final"
.reg    r28 32767:-32768 "bounds_-32768_32767"
.reg    r29 32767:0 "bounds_0_32767"
.reg    r30 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r20 bounds=r28 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r20                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r28 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=20 rate=r20 bounds=r28 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=20 set=1
        key      stream=1 ra=r20                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=20 rate=r17 shift=17 round=nearest bounds=r28 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 set=1 shift=17 source=uniform stream=1
        blend    w=2190+6 cols=21 rows=10 rate=r20 bounds=r28 set                                      ; blend w3, zero cols=21 hi=32767 lo=-32768 rows=10 set=1
        key      stream=2 ra=r20                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2190+6 cols=20 rows=10 rate=r18 shift=17 round=nearest bounds=r28 set  ; blend w3, scale_w3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=2
        set      rd=r21 imm=196                                                                        ; set e, #196
        set      rd=r22 imm=256                                                                        ; set one, #256
        store    rb=r22 index ra=r21                                                                   ; store x, e, one
        store    rb=r22 at=50 index ra=r21                                                             ; store x, e, one buffer=1
        set      rd=r21 imm=40                                                                         ; set e, #40
        set      rd=r22 imm=2048                                                                       ; set one, #2048
        store    rb=r22 at=110 index ra=r21                                                            ; store h1, e, one
        set      rd=r21 imm=20                                                                         ; set e, #20
        set      rd=r22 imm=2048                                                                       ; set one, #2048
        store    rb=r22 at=126 index ra=r21                                                            ; store h2, e, one
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r28 group=r4              ; mac.b u1, w1, x cols=40 hi=32767 lo=-32768 round=nearest rows=197 shift=11
        vec.mac  c=[100] d=110 n=40 round=nearest bounds=r29                                           ; vec h1, _, _, u1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=0
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r28               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  c=[121] d=126 n=20 round=nearest bounds=r29                                           ; vec h2, _, _, u2 fn=mac hi=32767 lo=0 n=20 round=nearest shift=0
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=15 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[132] b=#16384 d=138 n=10 shift=14 round=nearest bounds=r28                         ; vec answer, u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  d=141 n=40 round=nearest bounds=r28                                                   ; vec d1, _, _, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  d=151 n=20 round=nearest bounds=r28                                                   ; vec d2, _, _, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=0
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        vec.mac  a=r12 b=#-1 c=[132] d=197 n=10 round=nearest bounds=r30                               ; vec z_10_11, max, #-1, u3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[197] b=#2 d=197 n=10 round=nearest bounds=r30                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[197] d=194 n=10 bounds=r28                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[194] b=#1 d=r23 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r24 ra=r25 rb=r23                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[194] b=r24 d=135 n=10 shift=15 round=nearest bounds=r28                            ; vec h3, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[135] d=156 n=10 round=nearest bounds=r28                                           ; vec d3, _, _, h3 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r21 at=156 index ra=r1                                                             ; load e, d3, label
        add      rd=r21 ra=r21 rb=r20 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r21 at=156 index ra=r1                                                             ; store d3, label, e
        set      rd=r19 imm=3                                                                          ; repeat trip_1 n=3
L50:
        mac.b    w=2190+6 cols=20 rows=10 s=156 d=159 shift=15 round=nearest bounds=r28                ; mac.b g2, w3, d3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.sel  a=[126] b=[159] d=159 n=20 round=nearest bounds=r28                                   ; vec g2, h2, g2, _ fn=sel hi=32767 lo=-32768 n=20 round=nearest shift=0
        vec.mac  a=[159] b=#16384 d=159 n=20 shift=15 round=nearest bounds=r28                         ; vec g2, g2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=15
        vec.mac  a=[151] b=#16384 c=[159] d=151 n=20 shift=15 round=nearest bounds=r28                 ; vec d2, d2, #16384, g2 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=15
        vec.mac  a=[151] b=#-16384 c=[121] d=164 n=20 shift=17 round=nearest bounds=r28                ; vec x2, d2, #-16384, u2 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=17
        vec.mac  c=[164] d=126 n=20 round=nearest bounds=r29                                           ; vec h2, _, _, x2 fn=mac hi=32767 lo=0 n=20 round=nearest shift=0
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=15 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        vec.mac  a=r12 b=#-1 c=[132] d=197 n=10 round=nearest bounds=r30                               ; vec z_10_11, max, #-1, u3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[197] b=#2 d=197 n=10 round=nearest bounds=r30                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[197] d=194 n=10 bounds=r28                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[194] b=#1 d=r23 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r24 ra=r25 rb=r23                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[194] b=r24 d=135 n=10 shift=15 round=nearest bounds=r28                            ; vec h3, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[135] d=156 n=10 round=nearest bounds=r28                                           ; vec d3, _, _, h3 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r21 at=156 index ra=r1                                                             ; load e, d3, label
        add      rd=r21 ra=r21 rb=r20 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r21 at=156 index ra=r1                                                             ; store d3, label, e
        mac.b    w=1970+11 cols=40 rows=20 s=151 d=169 shift=14 round=nearest bounds=r28               ; mac.b g1, w2, d2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.sel  a=[110] b=[169] d=169 n=40 round=nearest bounds=r28                                   ; vec g1, h1, g1, _ fn=sel hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  a=[169] b=#16384 d=169 n=40 shift=15 round=nearest bounds=r28                         ; vec g1, g1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=15
        vec.mac  a=[141] b=#16384 c=[169] d=141 n=40 shift=15 round=nearest bounds=r28                 ; vec d1, d1, #16384, g1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=15
        vec.mac  a=[141] b=#-16384 c=[100] d=179 n=40 shift=17 round=nearest bounds=r28                ; vec x1, d1, #-16384, u1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=17
        vec.mac  c=[179] d=110 n=40 round=nearest bounds=r29                                           ; vec h1, _, _, x1 fn=mac hi=32767 lo=0 n=40 round=nearest shift=0
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r28               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  a=[164] b=#-16384 c=[121] d=189 n=20 shift=14 round=nearest bounds=r28                ; vec e2, x2, #-16384, u2 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[189] b=#16384 d=151 n=20 shift=11 round=nearest bounds=r28                         ; vec d2, e2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=11
        loop     rd=r19 to=L50
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=0+10 cols=40 rows=197 v=141 rate=r15 shift=29 round=stochastic bounds=r28 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=29 stream=3
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=1970+11 cols=41 rows=20 s=151 v=110 rate=r15 shift=32 round=stochastic bounds=r28   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=20 shift=32 stream=4
        key      stream=5 ra=r14                                                                       ; key step stream=5
        upd.b    w=2190+6 cols=21 rows=10 s=156 v=126 rate=r15 shift=33 round=stochastic bounds=r28    ; upd.b w3, rate1, d3, h2 cols=21 hi=32767 lo=-32768 round=stochastic rows=10 shift=33 stream=5
        amax     a=[138] d=r12 n=10                                                                    ; amax max, answer n=10
        add      rd=r2 ra=r13 rb=r20                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r20                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r26 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r27                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r20 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=110 shift=11 round=nearest bounds=r29 group=r4              ; mac.b h1, w1, x cols=40 hi=32767 lo=0 round=nearest rows=197 shift=11
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=126 shift=14 round=nearest bounds=r29               ; mac.r h2, w2, h1 cols=41 hi=32767 lo=0 round=nearest rows=20 shift=14
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=15 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        add      rd=r2 ra=r13 rb=r20                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r20                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=20 cols=41                                                    ; dig w2
        dig      tensor=2 w=2190+6 rows=10 cols=21                                                     ; dig w3
        dig      tensor=3 space=registers at=r14 n=1                                                   ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                   ; digs rate1 id=4
        halt                                                                                           ; halt
