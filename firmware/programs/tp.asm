; target propagation: Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (h_l - ĥ_l) ⊙ f'(u_l),  δ_L = p - y,  ĥ_l = h_l + g_(l+1)(ĥ_(l+1)) - g_(l+1)(h_(l+1)),  ĥ_(L-1) = h_(L-1) - target_step W_Lᵀ δ_L,  g_(l+1)(h) = f_l(V_(l+1) h + c_(l+1)),  ΔV_(l+1) = -η inverse_rate ((r_l - n_l) ⊙ f_l'(r_l)) f_(l+1)(n_l)ᵀ,  r_l = g_(l+1)(f_(l+1)(n_l)),  n_l = h_l ± noise
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
.reg    r19 25127:0 "scale_v2"
.reg    r20 -25166:0 "rate_v2"
.reg    r21 100 "warmup"
.reg    r22 0 "zero"
.reg    r23 0 "e"
.reg    r24 0 "one"
.reg    r25 0 "sum"
.reg    r26 0 "scale"
.reg    r27 16384:0 "unit"
.reg    r28 32692:-23875 "rate1_factor"
.reg    r29 -2098:-13107 "rate1_final"
.reg    r30 32692:-23875 "rate_v2_factor"
.reg    r31 -2517:26214 "rate_v2_final"
.reg    r32 32767:-32768 "bounds_-32768_32767"
.reg    r33 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r22 bounds=r32 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r22                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r32 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=20 rate=r22 bounds=r32 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=20 set=1
        key      stream=1 ra=r22                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=20 rate=r17 shift=17 round=nearest bounds=r32 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 set=1 shift=17 source=uniform stream=1
        blend    w=2190+6 cols=21 rows=10 rate=r22 bounds=r32 set                                      ; blend w3, zero cols=21 hi=32767 lo=-32768 rows=10 set=1
        key      stream=2 ra=r22                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2190+6 cols=20 rows=10 rate=r18 shift=17 round=nearest bounds=r32 set  ; blend w3, scale_w3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=2
        set      rd=r23 imm=196                                                                        ; set e, #196
        set      rd=r24 imm=256                                                                        ; set one, #256
        store    rb=r24 index ra=r23                                                                   ; store x, e, one
        store    rb=r24 at=50 index ra=r23                                                             ; store x, e, one buffer=1
        set      rd=r23 imm=40                                                                         ; set e, #40
        set      rd=r24 imm=4096                                                                       ; set one, #4096
        store    rb=r24 at=110 index ra=r23                                                            ; store h1, e, one
        set      rd=r23 imm=20                                                                         ; set e, #20
        set      rd=r24 imm=4096                                                                       ; set one, #4096
        store    rb=r24 at=126 index ra=r23                                                            ; store h2, e, one
        set      rd=r23 imm=20                                                                         ; set e, #20
        set      rd=r24 imm=4096                                                                       ; set one, #4096
        store    rb=r24 at=138 index ra=r23                                                            ; store m2, e, one
        blend    w=2250+10 cols=40 rows=21 rate=r22 bounds=r32 set                                     ; blend v2, zero cols=40 hi=32767 lo=-32768 rows=21 set=1
        key      stream=3 ra=r22                                                                       ; key zero stream=3
        blend    wsrc=uniform w=2250+10 cols=40 rows=20 rate=r19 shift=17 round=nearest bounds=r32 set ; blend v2, scale_v2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 set=1 shift=17 source=uniform stream=3
        set      rd=r23 imm=40                                                                         ; set e, #40
        set      rd=r24 imm=4096                                                                       ; set one, #4096
        store    rb=r24 at=157 index ra=r23                                                            ; store n1, e, one
        set      rd=r23 imm=20                                                                         ; set e, #20
        set      rd=r24 imm=4096                                                                       ; set one, #4096
        store    rb=r24 at=226 index ra=r23                                                            ; store target2, e, one
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        set      rd=r20 imm=-1649278976                                                                ; set rate_v2, #-1649278976
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r33 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r32                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r33               ; mac.r u2, w2, h1 cols=41 hi=32766 lo=-32767 round=nearest rows=20 shift=14
        tab      a=[121] d=126 n=20 bounds=r32                                                         ; tab h2, u2, tanh12 hi=32767 lo=-32768 n=20
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=16 round=nearest bounds=r32                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        vec.mac  a=r12 b=#-1 c=[132] d=255 n=10 round=nearest bounds=r33                               ; vec z_10_11, max, #-1, u3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[255] b=#2 d=255 n=10 round=nearest bounds=r33                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[255] table=256 d=252 n=10 bounds=r32                                               ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[252] b=#1 d=r25 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r26 ra=r27 rb=r25                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[252] b=r26 d=135 n=10 shift=15 round=nearest bounds=r32                            ; vec h3, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[135] d=154 n=10 round=nearest bounds=r32                                           ; vec d3, _, _, h3 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r23 at=154 index ra=r1                                                             ; load e, d3, label
        add      rd=r23 ra=r23 rb=r22 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r23 at=154 index ra=r1                                                             ; store d3, label, e
        key      stream=65 ra=r14                                                                      ; key step stream=65
        vec.mac  a=sign b=#19661 c=[110] d=157 n=40 shift=4 round=nearest bounds=r32                   ; vec n1, ~sign, #19661, h1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=4 stream=65
        mac.r    w=1970+11 cols=41 rows=20 v=157 d=168 shift=14 round=nearest bounds=r33               ; mac.r u_m2, w2, n1 cols=41 hi=32766 lo=-32767 round=nearest rows=20 shift=14
        tab      a=[168] d=138 n=20 bounds=r32                                                         ; tab m2, u_m2, tanh12 hi=32767 lo=-32768 n=20
        mac.b    w=2250+10 cols=40 rows=21 s=138 d=183 shift=13 round=nearest bounds=r33               ; mac.b a_v2, v2, m2 cols=40 hi=32766 lo=-32767 round=nearest rows=21 shift=13
        tab      a=[183] table=512 d=173 n=40 bounds=r32                                               ; tab r1, a_v2, tanh12_13 hi=32767 lo=-32768 n=40
        vec.mac  a=[157] b=#-16384 c=[173] d=203 n=40 shift=14 round=nearest bounds=r33                ; vec x1, n1, #-16384, r1 fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=14
        vec.mac  a=[203] b=#16384 d=193 n=40 shift=12 round=nearest bounds=r32                         ; vec t1, x1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[173] b=[173] d=268 n=40 shift=12 round=nearest bounds=r32                          ; vec q_40_12, r1, r1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[268] b=#-1 c=#4096 d=258 n=40 round=nearest bounds=r32                             ; vec f_40_12, q_40_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  a=[193] b=[258] d=144 n=40 shift=12 round=nearest bounds=r32                          ; vec d_v2, t1, f_40_12, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        jlt      ra=r14 rb=r21 to=L92                                                                  ; if step, warmup cond=ge
        vec.mac  a=[154] b=#16384 d=213 n=10 shift=15 round=nearest bounds=r32                         ; vec e_step, d3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        mac.b    w=2190+6 cols=20 rows=10 s=213 d=216 shift=15 round=nearest bounds=r32                ; mac.b t2, w3, e_step cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        vec.mac  a=[126] b=[126] d=283 n=20 shift=12 round=nearest bounds=r32                          ; vec q_20_12, h2, h2, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=12
        vec.mac  a=[283] b=#-1 c=#4096 d=278 n=20 round=nearest bounds=r32                             ; vec f_20_12, q_20_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=0
        vec.mac  a=[216] b=[278] d=221 n=20 shift=12 round=nearest bounds=r32                          ; vec d2, t2, f_20_12, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=12
        vec.mac  a=[216] b=#-16384 c=[126] d=226 n=20 shift=16 round=nearest bounds=r32                ; vec target2, t2, #-16384, h2 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=16
        mac.b    w=2250+10 cols=40 rows=21 s=226 d=183 shift=13 round=nearest bounds=r33               ; mac.b a_v2, v2, target2 cols=40 hi=32766 lo=-32767 round=nearest rows=21 shift=13
        tab      a=[183] table=512 d=232 n=40 bounds=r32                                               ; tab s1, a_v2, tanh12_13 hi=32767 lo=-32768 n=40
        mac.b    w=2250+10 cols=40 rows=21 s=126 d=183 shift=13 round=nearest bounds=r33               ; mac.b a_v2, v2, h2 cols=40 hi=32766 lo=-32767 round=nearest rows=21 shift=13
        tab      a=[183] table=512 d=173 n=40 bounds=r32                                               ; tab r1, a_v2, tanh12_13 hi=32767 lo=-32768 n=40
        vec.mac  a=[232] b=#-16384 c=[173] d=203 n=40 shift=14 round=nearest bounds=r33                ; vec x1, s1, #-16384, r1 fn=mac hi=32766 lo=-32767 n=40 round=nearest shift=14
        vec.mac  a=[203] b=#16384 d=193 n=40 shift=12 round=nearest bounds=r32                         ; vec t1, x1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[110] b=[110] d=268 n=40 shift=12 round=nearest bounds=r32                          ; vec q_40_12, h1, h1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[268] b=#-1 c=#4096 d=258 n=40 round=nearest bounds=r32                             ; vec f_40_12, q_40_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  a=[193] b=[258] d=242 n=40 shift=12 round=nearest bounds=r32                          ; vec d1, t1, f_40_12, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=0+10 cols=40 rows=197 v=242 rate=r15 shift=29 round=stochastic bounds=r32 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=29 stream=4
        key      stream=5 ra=r14                                                                       ; key step stream=5
        upd.b    w=1970+11 cols=41 rows=20 s=221 v=110 rate=r15 shift=33 round=stochastic bounds=r32   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=20 shift=33 stream=5
        key      stream=6 ra=r14                                                                       ; key step stream=6
        upd.b    w=2190+6 cols=21 rows=10 s=154 v=126 rate=r15 shift=34 round=stochastic bounds=r32    ; upd.b w3, rate1, d3, h2 cols=21 hi=32767 lo=-32768 round=stochastic rows=10 shift=34 stream=6
L92:
        key      stream=7 ra=r14                                                                       ; key step stream=7
        upd.b    w=2250+10 cols=40 rows=21 s=138 v=144 rate=r20 shift=35 round=stochastic bounds=r32   ; upd.b v2, rate_v2, m2, d_v2 cols=40 hi=32767 lo=-32768 round=stochastic rows=21 shift=35 stream=7
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        add      rd=r2 ra=r13 rb=r22                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r22                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r28 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r29                                                                  ; min rate1, rate1, rate1_final
        mul      rd=r20 ra=r20 rb=r30 shift=31                                                         ; mul rate_v2, rate_v2, rate_v2_factor shift=31
        min      rd=r20 ra=r20 rb=r31                                                                  ; min rate_v2, rate_v2, rate_v2_final
        add      rd=r14 ra=r14 rb=r22 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r33 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r32                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r33               ; mac.r u2, w2, h1 cols=41 hi=32766 lo=-32767 round=nearest rows=20 shift=14
        tab      a=[121] d=126 n=20 bounds=r32                                                         ; tab h2, u2, tanh12 hi=32767 lo=-32768 n=20
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=16 round=nearest bounds=r32                ; mac.r u3, w3, h2 cols=21 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[132] d=r12 n=10                                                                    ; amax max, u3 n=10
        add      rd=r2 ra=r13 rb=r22                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r22                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=20 cols=41                                                    ; dig w2
        dig      tensor=2 w=2190+6 rows=10 cols=21                                                     ; dig w3
        dig      tensor=3 w=2250+10 rows=21 cols=40                                                    ; dig v2
        dig      tensor=4 space=registers at=r14 n=1                                                   ; digs step id=4
        dig      tensor=5 space=registers at=r15 n=1                                                   ; digs rate1 id=5
        dig      tensor=6 space=registers at=r20 n=1                                                   ; digs rate_v2 id=6
        halt                                                                                           ; halt
