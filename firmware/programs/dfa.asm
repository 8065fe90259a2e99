; direct feedback alignment: Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (B_l e) ⊙ f'(u_l),  e = p - y,  B_l = ±feedback, fixed
; 196-40-10, tanh, 4 lanes

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
.reg    r19 0 "e"
.reg    r20 0 "one"
.reg    r21 0 "sum"
.reg    r22 0 "scale"
.reg    r23 16384:0 "unit"
.reg    r24 32692:-23875 "rate1_factor"
.reg    r25 -2098:-13107 "rate1_final"
.reg    r26 32767:-32768 "bounds_-32768_32767"
.reg    r27 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r18 bounds=r26 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r18                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r26 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=10 rate=r18 bounds=r26 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=1 ra=r18                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=10 rate=r17 shift=17 round=nearest bounds=r26 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r19 imm=196                                                                        ; set e, #196
        set      rd=r20 imm=256                                                                        ; set one, #256
        store    rb=r20 index ra=r19                                                                   ; store x, e, one
        store    rb=r20 at=50 index ra=r19                                                             ; store x, e, one buffer=1
        set      rd=r19 imm=40                                                                         ; set e, #40
        set      rd=r20 imm=4096                                                                       ; set one, #4096
        store    rb=r20 at=110 index ra=r19                                                            ; store h1, e, one
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r27 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r26                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=10 v=110 d=121 shift=16 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[121] d=r12 n=10                                                                    ; amax max, u2 n=10
        vec.mac  a=r12 b=#-1 c=[121] d=153 n=10 round=nearest bounds=r27                               ; vec z_10_11, max, #-1, u2 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[153] b=#2 d=153 n=10 round=nearest bounds=r27                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[153] table=256 d=150 n=10 bounds=r26                                               ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[150] b=#1 d=r21 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r22 ra=r23 rb=r21                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[150] b=r22 d=124 n=10 shift=15 round=nearest bounds=r26                            ; vec h2, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[124] d=127 n=10 round=nearest bounds=r26                                           ; vec d2, _, _, h2 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r19 at=127 index ra=r1                                                             ; load e, d2, label
        add      rd=r19 ra=r19 rb=r18 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r19 at=127 index ra=r1                                                             ; store d2, label, e
        key      stream=130 ra=r18                                                                     ; key zero stream=130
        mac.b    wsrc=sign cols=40 rows=10 s=127 d=130 shift=4 round=nearest bounds=r26                ; mac.b t1, b1, d2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 shift=4 stream=130
        vec.mac  a=[110] b=[110] d=166 n=40 shift=12 round=nearest bounds=r26                          ; vec q_40_12, h1, h1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        vec.mac  a=[166] b=#-1 c=#4096 d=156 n=40 round=nearest bounds=r26                             ; vec f_40_12, q_40_12, #-1, #4096 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        vec.mac  a=[130] b=[156] d=140 n=40 shift=12 round=nearest bounds=r26                          ; vec d1, t1, f_40_12, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=12
        key      stream=2 ra=r14                                                                       ; key step stream=2
        upd.b    w=0+10 cols=40 rows=197 v=140 rate=r15 shift=30 round=stochastic bounds=r26 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=30 stream=2
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=1970+11 cols=41 rows=10 s=127 v=110 rate=r15 shift=34 round=stochastic bounds=r26   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=34 stream=3
        amax     a=[121] d=r12 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r18                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r18                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r24 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r25                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r18 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=10 round=nearest bounds=r27 group=r4              ; mac.b u1, w1, x cols=40 hi=32766 lo=-32767 round=nearest rows=197 shift=10
        tab      a=[100] d=110 n=40 bounds=r26                                                         ; tab h1, u1, tanh12 hi=32767 lo=-32768 n=40
        mac.r    w=1970+11 cols=41 rows=10 v=110 d=121 shift=16 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=16
        amax     a=[121] d=r12 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r13 rb=r18                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r18                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=10 cols=41                                                    ; dig w2
        dig      tensor=2 space=registers at=r14 n=1                                                   ; digs step id=2
        dig      tensor=3 space=registers at=r15 n=1                                                   ; digs rate1 id=3
        halt                                                                                           ; halt
