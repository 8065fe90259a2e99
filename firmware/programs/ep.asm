; equilibrium propagation: Δw_l = η/(2 nudge) (s_l⁺ s_(l-1)⁺ᵀ - s_l⁻ s_(l-1)⁻ᵀ),  s_l = clip(W_l s_(l-1) + b_l + W_(l+1)ᵀ s_(l+1), 0, 1),  s_L = clip((W_L s_(L-1) + b_L + β y)/(1 + β), 0, 1), β = 0 when free, then nudge (⁺) and -nudge (⁻)
; 196-40-20-10, clip, 4 lanes

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
.reg    r20 2 "nudged_sweeps"
.reg    r21 0 "zero"
.reg    r22 0 "e"
.reg    r23 0 "one"
.reg    r24 32692:-23875 "rate1_factor"
.reg    r25 -2098:-13107 "rate1_final"
.reg    r26 32767:-32768 "bounds_-32768_32767"
.reg    r27 16384:0 "bounds_0_16384"
.reg    r28 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r21 bounds=r26 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r21                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r16 shift=19 round=nearest bounds=r26 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=20 rate=r21 bounds=r26 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=20 set=1
        key      stream=1 ra=r21                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=20 rate=r17 shift=17 round=nearest bounds=r26 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 set=1 shift=17 source=uniform stream=1
        blend    w=2190+6 cols=21 rows=10 rate=r21 bounds=r26 set                                      ; blend w3, zero cols=21 hi=32767 lo=-32768 rows=10 set=1
        key      stream=2 ra=r21                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2190+6 cols=20 rows=10 rate=r18 shift=17 round=nearest bounds=r26 set  ; blend w3, scale_w3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=2
        set      rd=r22 imm=196                                                                        ; set e, #196
        set      rd=r23 imm=256                                                                        ; set one, #256
        store    rb=r23 index ra=r22                                                                   ; store x, e, one
        store    rb=r23 at=50 index ra=r22                                                             ; store x, e, one buffer=1
        set      rd=r22 imm=40                                                                         ; set e, #40
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=110 index ra=r22                                                            ; store h1, e, one
        set      rd=r22 imm=20                                                                         ; set e, #20
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=126 index ra=r22                                                            ; store h2, e, one
        set      rd=r22 imm=40                                                                         ; set e, #40
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=224 index ra=r22                                                            ; store m1, e, one
        set      rd=r22 imm=20                                                                         ; set e, #20
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=250 index ra=r22                                                            ; store m2, e, one
        set      rd=r14                                                                                ; set step, #0
        set      rd=r15 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=8 round=nearest bounds=r26 group=r4               ; mac.b u1, w1, x cols=40 hi=32767 lo=-32768 round=nearest rows=197 shift=8
        vec.mac  d=126 n=20 round=nearest bounds=r26                                                   ; vec h2, _, _, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=0
        vec.mac  d=135 n=10 round=nearest bounds=r26                                                   ; vec h3, _, _, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        set      rd=r19 imm=6                                                                          ; repeat trip_1 n=6
L40:
        mac.b    w=1970+11 cols=40 rows=20 s=126 d=138 shift=14 round=nearest bounds=r26               ; mac.b t1, w2, h2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  a=[138] b=#16384 c=[100] d=110 n=40 shift=14 round=nearest bounds=r27                 ; vec h1, t1, #16384, u1 fn=mac hi=16384 lo=0 n=40 round=nearest shift=14
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        mac.b    w=2190+6 cols=20 rows=10 s=135 d=148 shift=14 round=nearest bounds=r26                ; mac.b t2, w3, h3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=14
        vec.mac  a=[148] b=#16384 c=[121] d=126 n=20 shift=14 round=nearest bounds=r27                 ; vec h2, t2, #16384, u2 fn=mac hi=16384 lo=0 n=20 round=nearest shift=14
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=14 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32766 lo=-32767 round=nearest rows=10 shift=14
        vec.mac  a=[132] b=#1 d=135 n=10 round=nearest bounds=r27                                      ; vec h3, u3, #1, _ fn=mac hi=16384 lo=0 n=10 round=nearest shift=0
        loop     rd=r19 to=L40
        vec.mac  a=[132] b=#16384 d=153 n=10 shift=14 round=nearest bounds=r26                         ; vec answer3, u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[110] b=#16384 d=156 n=40 shift=14 round=nearest bounds=r26                         ; vec free1, h1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[126] b=#16384 d=166 n=20 shift=14 round=nearest bounds=r26                         ; vec free2, h2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[121] b=#16384 d=171 n=20 shift=14 round=nearest bounds=r26                         ; vec free_u2, u2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[135] b=#16384 d=176 n=10 shift=14 round=nearest bounds=r26                         ; vec free3, h3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[132] b=#16384 d=179 n=10 shift=14 round=nearest bounds=r26                         ; vec free_u3, u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  d=182 n=10 round=nearest bounds=r26                                                   ; vec pull3, _, _, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=182 index ra=r1                                                             ; store pull3, label, one
        vec.mac  a=[182] b=#16384 d=182 n=10 shift=15 round=nearest bounds=r26                         ; vec pull3, pull3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        set      rd=r19 imm=2                                                                          ; repeat trip_1 n=2
L59:
        jeq      ra=r19 rb=r20 to=L62                                                                  ; if trip_1, nudged_sweeps cond=ne
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=14 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32766 lo=-32767 round=nearest rows=10 shift=14
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
L62:
        vec.mac  a=[132] b=#16384 c=[182] d=185 n=10 shift=14 round=nearest bounds=r28                 ; vec pulled3, u3, #16384, pull3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=14
        vec.mac  a=[185] b=#21845 d=135 n=10 shift=15 round=nearest bounds=r27                         ; vec h3, pulled3, #21845, _ fn=mac hi=16384 lo=0 n=10 round=nearest shift=15
        mac.b    w=2190+6 cols=20 rows=10 s=135 d=148 shift=14 round=nearest bounds=r26                ; mac.b t2, w3, h3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=14
        vec.mac  a=[148] b=#16384 c=[121] d=126 n=20 shift=14 round=nearest bounds=r27                 ; vec h2, t2, #16384, u2 fn=mac hi=16384 lo=0 n=20 round=nearest shift=14
        mac.b    w=1970+11 cols=40 rows=20 s=126 d=138 shift=14 round=nearest bounds=r26               ; mac.b t1, w2, h2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  a=[138] b=#16384 c=[100] d=110 n=40 shift=14 round=nearest bounds=r27                 ; vec h1, t1, #16384, u1 fn=mac hi=16384 lo=0 n=40 round=nearest shift=14
        loop     rd=r19 to=L59
        vec.mac  a=[110] b=#16384 d=188 n=40 shift=14 round=nearest bounds=r26                         ; vec plus1, h1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[126] b=#16384 d=198 n=20 shift=14 round=nearest bounds=r26                         ; vec plus2, h2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[121] b=#16384 d=203 n=20 shift=14 round=nearest bounds=r26                         ; vec plus_u2, u2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[135] b=#16384 d=208 n=10 shift=14 round=nearest bounds=r26                         ; vec plus3, h3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[132] b=#16384 d=211 n=10 shift=14 round=nearest bounds=r26                         ; vec plus_u3, u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[156] b=#16384 d=110 n=40 shift=14 round=nearest bounds=r26                         ; vec h1, free1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[166] b=#16384 d=126 n=20 shift=14 round=nearest bounds=r26                         ; vec h2, free2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[171] b=#16384 d=121 n=20 shift=14 round=nearest bounds=r26                         ; vec u2, free_u2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[176] b=#16384 d=135 n=10 shift=14 round=nearest bounds=r26                         ; vec h3, free3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[179] b=#16384 d=132 n=10 shift=14 round=nearest bounds=r26                         ; vec u3, free_u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  d=182 n=10 round=nearest bounds=r26                                                   ; vec pull3, _, _, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        set      rd=r23 imm=16384                                                                      ; set one, #16384
        store    rb=r23 at=182 index ra=r1                                                             ; store pull3, label, one
        vec.mac  a=[182] b=#-16384 d=182 n=10 shift=15 round=nearest bounds=r26                        ; vec pull3, pull3, #-16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        set      rd=r19 imm=2                                                                          ; repeat trip_1 n=2
L84:
        jeq      ra=r19 rb=r20 to=L87                                                                  ; if trip_1, nudged_sweeps cond=ne
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=14 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32766 lo=-32767 round=nearest rows=10 shift=14
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
L87:
        vec.mac  a=[132] b=#16384 c=[182] d=185 n=10 shift=14 round=nearest bounds=r28                 ; vec pulled3, u3, #16384, pull3 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=14
        vec.mac  a=[185] b=#16384 d=135 n=10 shift=13 round=nearest bounds=r27                         ; vec h3, pulled3, #16384, _ fn=mac hi=16384 lo=0 n=10 round=nearest shift=13
        mac.b    w=2190+6 cols=20 rows=10 s=135 d=148 shift=14 round=nearest bounds=r26                ; mac.b t2, w3, h3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=14
        vec.mac  a=[148] b=#16384 c=[121] d=126 n=20 shift=14 round=nearest bounds=r27                 ; vec h2, t2, #16384, u2 fn=mac hi=16384 lo=0 n=20 round=nearest shift=14
        mac.b    w=1970+11 cols=40 rows=20 s=126 d=138 shift=14 round=nearest bounds=r26               ; mac.b t1, w2, h2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  a=[138] b=#16384 c=[100] d=110 n=40 shift=14 round=nearest bounds=r27                 ; vec h1, t1, #16384, u1 fn=mac hi=16384 lo=0 n=40 round=nearest shift=14
        loop     rd=r19 to=L84
        vec.mac  a=[188] b=#-16384 c=[110] d=214 n=40 shift=14 round=nearest bounds=r26                ; vec difference1, plus1, #-16384, h1 fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[214] b=#16384 c=[188] d=224 n=40 shift=15 round=nearest bounds=r27                 ; vec m1, difference1, #16384, plus1 fn=mac hi=16384 lo=0 n=40 round=nearest shift=15
        vec.mac  a=[214] b=#16384 d=235 n=40 shift=14 round=nearest bounds=r26                         ; vec d1, difference1, #16384, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=14
        vec.mac  a=[198] b=#-16384 c=[126] d=245 n=20 shift=14 round=nearest bounds=r26                ; vec difference2, plus2, #-16384, h2 fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[245] b=#16384 c=[198] d=250 n=20 shift=15 round=nearest bounds=r27                 ; vec m2, difference2, #16384, plus2 fn=mac hi=16384 lo=0 n=20 round=nearest shift=15
        vec.mac  a=[245] b=#16384 d=256 n=20 shift=14 round=nearest bounds=r26                         ; vec d2, difference2, #16384, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=14
        vec.mac  a=[208] b=#-16384 c=[135] d=261 n=10 shift=14 round=nearest bounds=r26                ; vec difference3, plus3, #-16384, h3 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        vec.mac  a=[261] b=#16384 c=[208] d=264 n=10 shift=15 round=nearest bounds=r27                 ; vec m3, difference3, #16384, plus3 fn=mac hi=16384 lo=0 n=10 round=nearest shift=15
        vec.mac  a=[261] b=#16384 d=267 n=10 shift=14 round=nearest bounds=r26                         ; vec d3, difference3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        key      stream=3 ra=r14                                                                       ; key step stream=3
        upd.b    w=0+10 cols=40 rows=197 v=235 rate=r15 shift=29 round=stochastic bounds=r26 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=29 stream=3
        key      stream=4 ra=r14                                                                       ; key step stream=4
        upd.b    w=1970+11 cols=41 rows=20 s=256 v=224 rate=r15 shift=35 round=stochastic bounds=r26   ; upd.b w2, rate1, d2, m1 cols=41 hi=32767 lo=-32768 round=stochastic rows=20 shift=35 stream=4
        key      stream=5 ra=r14                                                                       ; key step stream=5
        upd.b    w=1970+11 cols=40 rows=20 s=250 v=235 rate=r15 shift=35 round=stochastic bounds=r26   ; upd.b w2, rate1, m2, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=20 shift=35 stream=5
        key      stream=6 ra=r14                                                                       ; key step stream=6
        upd.b    w=2190+6 cols=21 rows=10 s=267 v=250 rate=r15 shift=35 round=stochastic bounds=r26    ; upd.b w3, rate1, d3, m2 cols=21 hi=32767 lo=-32768 round=stochastic rows=10 shift=35 stream=6
        key      stream=7 ra=r14                                                                       ; key step stream=7
        upd.b    w=2190+6 cols=20 rows=10 s=264 v=256 rate=r15 shift=35 round=stochastic bounds=r26    ; upd.b w3, rate1, m3, d2 cols=20 hi=32767 lo=-32768 round=stochastic rows=10 shift=35 stream=7
        amax     a=[153] d=r12 n=10                                                                    ; amax max, answer3 n=10
        add      rd=r2 ra=r13 rb=r21                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r21                                                                   ; addi score, max, #0
        mul      rd=r15 ra=r15 rb=r24 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r15 ra=r15 rb=r25                                                                  ; min rate1, rate1, rate1_final
        add      rd=r14 ra=r14 rb=r21 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=8 round=nearest bounds=r26 group=r4               ; mac.b u1, w1, x cols=40 hi=32767 lo=-32768 round=nearest rows=197 shift=8
        vec.mac  d=126 n=20 round=nearest bounds=r26                                                   ; vec h2, _, _, _ fn=mac hi=32767 lo=-32768 n=20 round=nearest shift=0
        vec.mac  d=135 n=10 round=nearest bounds=r26                                                   ; vec h3, _, _, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        set      rd=r19 imm=6                                                                          ; repeat trip_1 n=6
L124:
        mac.b    w=1970+11 cols=40 rows=20 s=126 d=138 shift=14 round=nearest bounds=r26               ; mac.b t1, w2, h2 cols=40 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        vec.mac  a=[138] b=#16384 c=[100] d=110 n=40 shift=14 round=nearest bounds=r27                 ; vec h1, t1, #16384, u1 fn=mac hi=16384 lo=0 n=40 round=nearest shift=14
        mac.r    w=1970+11 cols=41 rows=20 v=110 d=121 shift=14 round=nearest bounds=r26               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=20 shift=14
        mac.b    w=2190+6 cols=20 rows=10 s=135 d=148 shift=14 round=nearest bounds=r26                ; mac.b t2, w3, h3 cols=20 hi=32767 lo=-32768 round=nearest rows=10 shift=14
        vec.mac  a=[148] b=#16384 c=[121] d=126 n=20 shift=14 round=nearest bounds=r27                 ; vec h2, t2, #16384, u2 fn=mac hi=16384 lo=0 n=20 round=nearest shift=14
        mac.r    w=2190+6 cols=21 rows=10 v=126 d=132 shift=14 round=nearest bounds=r28                ; mac.r u3, w3, h2 cols=21 hi=32766 lo=-32767 round=nearest rows=10 shift=14
        vec.mac  a=[132] b=#1 d=135 n=10 round=nearest bounds=r27                                      ; vec h3, u3, #1, _ fn=mac hi=16384 lo=0 n=10 round=nearest shift=0
        loop     rd=r19 to=L124
        vec.mac  a=[132] b=#16384 d=153 n=10 shift=14 round=nearest bounds=r26                         ; vec answer3, u3, #16384, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=14
        amax     a=[153] d=r12 n=10                                                                    ; amax max, answer3 n=10
        add      rd=r2 ra=r13 rb=r21                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r12 rb=r21                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=20 cols=41                                                    ; dig w2
        dig      tensor=2 w=2190+6 rows=10 cols=21                                                     ; dig w3
        dig      tensor=3 space=registers at=r14 n=1                                                   ; digs step id=3
        dig      tensor=4 space=registers at=r15 n=1                                                   ; digs rate1 id=4
        halt                                                                                           ; halt
