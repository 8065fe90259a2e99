; feedback alignment: Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (B_l δ_(l+1)) ⊙ f'(u_l),  δ_L = p - y,  B_l = ±feedback, fixed, or feedback·sign(W_(l+1)ᵀ)
; 196-40-20-10, tanh, 4 lanes

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
.reg    r19 0 "zero"
.reg    r20 0 "e"
.reg    r21 0 "one"
.reg    r22 0 "sum"
.reg    r23 0 "scale"
.reg    r24 16384:0 "unit"
.reg    r25 32692:-23875 "rate1_factor"
.reg    r26 -2098:-13107 "rate1_final"
.reg    r27 32767:-32768 "bounds_-32768_32767"
.reg    r28 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r19 bounds=r27 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r19                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r27 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=20 rate=r19 bounds=r27 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=20 set=1
        key      stream=1 ra=r19                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=20 rate=r17 shift=17 round=nearest bounds=r27 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 set=1 shift=17 source=uniform stream=1
        blend    w=2190+6 cols=21 rows=10 rate=r19 bounds=r27 set                                      ; blend w3, zero cols=21 hi=32767 lo=-32768 rows=10 set=1
        key      stream=2 ra=r19                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2190+6 cols=20 rows=10 rate=r18 shift=17 round=nearest bounds=r27 set  ; blend w3, scale_w3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=2
        set      rd=r20 imm=196                                                                        ; set e, #196
        set      rd=r21 imm=256                                                                        ; set one, #256
        store    rb=r21 index ra=r20                                                                   ; store x, e, one
        store    rb=r21 at=50 index ra=r20                                                             ; store x, e, one buffer=1
        set      rd=r20 imm=40                                                                         ; set e, #40
        set      rd=r21 imm=4096                                                                       ; set one, #4096
        store    rb=r21 at=110 index ra=r20                                                            ; store h1, e, one
        set      rd=r20 imm=20                                                                         ; set e, #20
        set      rd=r21 imm=4096                                                                       ; set one, #4096
        store    rb=r21 at=126 index ra=r20                                                            ; store h2, e, one
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r28 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r27                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r28               ; mac.r u2, w2, h1 cols=41 hi=32766 lo=-32767 round=nearest rows=20 shift=14
        tab      a=[121] d=126 n=20 bounds=r27                                                         ; tab h2, u2, tanh12 hi=32767 lo=-32768 n=20
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=16 round=nearest bounds=r27                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        vec.mac  a=r12 b=#-1 c=[132] d=174 n=10 round=nearest bounds=r28                               ; vec z_10_11, max, #-1, u3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[174] b=#2 d=174 n=10 round=nearest bounds=r28                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[174] table=256 d=171 n=10 bounds=r27                                               ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[171] b=#1 d=r22 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r23 ra=r24 rb=r22                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[171] b=r23 d=135 n=10 shift=15 round=nearest bounds=r27                            ; vec h3, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[135] d=138 n=10 round=nearest bounds=r27                                           ; vec d3, _, _, h3 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r20 at=138 index ra=r1                                                             ; load e, d3, label
        add      rd=r20 ra=r20 rb=r19 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r20 at=138 index ra=r1                                                             ; store d3, label, e
        key      stream=131 ra=r19                                                                     ; key zero stream=131
        mac.b    wsrc=sign cols=20 rows=10 s=138 d=141 shift=4 round=nearest bounds=r27                ; mac.b t2, b2, d3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=4 stream=131
        vec.mac  a=[126] b=[126] d=182 n=20 shift=12 round=nearest bounds=r27                          ; vec q_20_12, h2, h2, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=12
        vec.mac  a=[182] b=#-1 c=#4096 d=177 n=20 round=nearest bounds=r27                             ; vec f_20_12, q_20_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=0
        vec.mac  a=[141] b=[177] d=146 n=20 shift=12 round=nearest bounds=r27                          ; vec d2, t2, f_20_12, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=12
        key      stream=132 ra=r19                                                                     ; key zero stream=132
        mac.b    wsrc=sign cols=40 rows=20 s=146 d=151 shift=4 round=nearest bounds=r27                ; mac.b t1, b1, d2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=4 stream=132
        vec.mac  a=[110] b=[110] d=197 n=40 shift=12 round=nearest bounds=r27                          ; vec q_40_12, h1, h1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[197] b=#-1 c=#4096 d=187 n=40 round=nearest bounds=r27                             ; vec f_40_12, q_40_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  a=[151] b=[187] d=161 n=40 shift=12 round=nearest bounds=r27                          ; vec d1, t1, f_40_12, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=0+10 cols=40 rows=197 v=161 rate=r15 shift=30 round=stochastic bounds=r27 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=30 stream=3
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=1970+11 cols=41 rows=20 s=146 v=110 rate=r15 shift=34 round=stochastic bounds=r27   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=20 shift=34 stream=4
        key      stream=5 ra=r14                                                                       ; key step stream=5
        upd.b    w=2190+6 cols=21 rows=10 s=138 v=126 rate=r15 shift=34 round=stochastic bounds=r27    ; upd.b w3, rate1, d3, h2 cols=21 hi=32767 lo=-32768 round=stochastic rows=10 shift=34 stream=5
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r25 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r26                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r19 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r28 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r27                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r28               ; mac.r u2, w2, h1 cols=41 hi=32766 lo=-32767 round=nearest rows=20 shift=14
        tab      a=[121] d=126 n=20 bounds=r27                                                         ; tab h2, u2, tanh12 hi=32767 lo=-32768 n=20
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=16 round=nearest bounds=r27                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        add      rd=r2 ra=r13 rb=r19                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r19                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=20 cols=41                                                    ; dig w2
        dig      tensor=2 w=2190+6 rows=10 cols=21                                                     ; dig w3
        dig      tensor=3 space=registers at=r14 n=1                                                   ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                   ; digs rate1 id=4
        halt                                                                                           ; halt
