; perturbation: Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = s ξ_l,  s = (J(u_l + size ξ_l) - J(u_l)) / size or ξ_lᵀ ∂J/∂u_l in forward mode,  Δw = -η s Ξ,  s = (J(w + size Ξ) - J(w)) / size or Σ Ξ ∂J/∂w in forward mode,  δ_L = p - y
; 196-40-10, relu, 4 lanes

.reg    r0 3 "seed"
.reg    r1 0 "label"
.reg    r2 0 "prediction"
.reg    r3 0 "score"
.reg    r4 0 "input"
.reg    r5 0 "input_walk"
.reg    r9 0 "lanes_walk"
.reg    r11 0 "input_lanes"
.reg    r12 0 "block"
.reg    r13 0 "block_walk"
.reg    r14 0 "block_words"
.reg    r15 0 "block_lane"
.reg    r16 0 "max"
.reg    r17 0 "argmax"
.reg    r18 0 "step"
.reg    r19 -20972:0 "rate1"
.reg    r20 32106:0 "scale_w1"
.reg    r21 17767:0 "scale_w2"
.reg    r22 17767:0 "scale_c1"
.reg    r23 0 "first"
.reg    r24 0 "trip_1"
.reg    r25 0 "slope"
.reg    r26 0 "zero"
.reg    r27 0 "e"
.reg    r28 0 "one"
.reg    r29 0 "sum"
.reg    r30 0 "scale"
.reg    r31 16384:0 "unit"
.reg    r32 0 "fill_at"
.reg    r33 0 "fill_left"
.reg    r34 32692:-23875 "rate1_factor"
.reg    r35 -2098:-13107 "rate1_final"
.reg    r36 32767:-32768 "bounds_-32768_32767"
.reg    r37 32767:0 "bounds_0_32767"
.reg    r38 32766:-32767 "bounds_-32767_32766"

.entry  init
        blend    w=0+10 cols=40 rows=197 rate=r26 bounds=r36 set                                       ; blend w1, zero cols=40 hi=32767 lo=-32768 rows=197 set=1
        key      ra=r26                                                                                ; key zero stream=0
        blend    wsrc=uniform w=0+10 cols=40 rows=196 rate=r20 shift=19 round=nearest bounds=r36 set   ; blend w1, scale_w1 cols=40 hi=32767 lo=-32768 round=nearest rows=196 set=1 shift=19 source=uniform stream=0
        blend    w=1970+11 cols=41 rows=10 rate=r26 bounds=r36 set                                     ; blend w2, zero cols=41 hi=32767 lo=-32768 rows=10 set=1
        key      stream=1 ra=r26                                                                       ; key zero stream=1
        blend    wsrc=uniform w=1970+11 cols=40 rows=10 rate=r21 shift=17 round=nearest bounds=r36 set ; blend w2, scale_w2 cols=40 hi=32767 lo=-32768 round=nearest rows=10 set=1 shift=17 source=uniform stream=1
        set      rd=r27 imm=196                                                                        ; set e, #196
        set      rd=r28 imm=256                                                                        ; set one, #256
        store    rb=r28 index ra=r27                                                                   ; store x, e, one
        store    rb=r28 at=50 index ra=r27                                                             ; store x, e, one buffer=1
        set      rd=r27 imm=40                                                                         ; set e, #40
        set      rd=r28 imm=2048                                                                       ; set one, #2048
        store    rb=r28 at=100 index ra=r27                                                            ; store h1, e, one
        blend    w=2080+3 cols=10 rows=41 rate=r26 bounds=r36 set                                      ; blend c1, zero cols=10 hi=32767 lo=-32768 rows=41 set=1
        key      stream=2 ra=r26                                                                       ; key zero stream=2
        blend    wsrc=uniform w=2080+3 cols=10 rows=40 rate=r22 shift=17 round=nearest bounds=r36 set  ; blend c1, scale_c1 cols=10 hi=32767 lo=-32768 round=nearest rows=40 set=1 shift=17 source=uniform stream=2
        set      rd=r18                                                                                ; set step, #0
        set      rd=r19 imm=-1374420992                                                                ; set rate1, #-1374420992
        halt                                                                                           ; halt

.entry  learn
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r37 group=r4              ; mac.b h1, w1, x cols=40 hi=32767 lo=0 round=nearest rows=197 shift=11
        mac.b    w=2080+3 cols=10 rows=41 s=100 d=117 shift=15 round=nearest bounds=r36                ; mac.b u_c1, c1, h1 cols=10 hi=32767 lo=-32768 round=nearest rows=41 shift=15
        amax     a=[117] d=r16 n=10                                                                    ; amax max, u_c1 n=10
        vec.mac  a=r16 b=#-1 c=[117] d=165 n=10 round=nearest bounds=r38                               ; vec z_10_11, max, #-1, u_c1 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[165] b=#2 d=165 n=10 round=nearest bounds=r38                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[165] d=162 n=10 bounds=r36                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[162] b=#1 d=r29 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r30 ra=r31 rb=r29                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[162] b=r30 d=120 n=10 shift=15 round=nearest bounds=r36                            ; vec q_c1, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[120] d=123 n=10 round=nearest bounds=r36                                           ; vec e_c1, _, _, q_c1 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r27 at=123 index ra=r1                                                             ; load e, e_c1, label
        add      rd=r27 ra=r27 rb=r26 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r27 at=123 index ra=r1                                                             ; store e_c1, label, e
        key      stream=64 ra=r18                                                                      ; key step stream=64
        vec.sel  a=[100] b=sign d=136 n=40 round=nearest bounds=r36                                    ; vec m1, h1, ~sign, _ fn=sel hi=32767 lo=-32768 n=40 round=nearest shift=0 stream=64
        set      rd=r23                                                                                ; set first, #0
        set      rd=r24 imm=10                                                                         ; repeat trip_1 n=10
L44:
        add      rd=r12 ra=r23 rb=r26                                                                  ; addi block, first, #0
        set      rd=r14 imm=3                                                                          ; rowof block_words, c1, first
        mul      rd=r14 ra=r23 rb=r14
        set      rd=r15                                                                                ; set block_lane, #0
        mac.b    w=2080+3 cols=10 rows=4 s=136 d=156 shift=2 round=nearest bounds=r36 group=r12        ; mac.b z_c1, c1, m1 cols=10 group=3 hi=32767 lo=-32768 round=nearest rows=4 shift=2
        dot      a=[123] b=[156] d=r25 n=10 shift=11                                                   ; dot slope, e_c1, z_c1 n=10 shift=11
        add      rd=r25 ra=r25 rb=r26 imm=8                                                            ; addi slope, slope, #8
        shr      rd=r25 ra=r25 shift=4                                                                 ; shr slope, slope shift=4
        add      rd=r15 ra=r23 rb=r26                                                                  ; fills t1, slope, first align=4 hi=32767 lo=-32768 n=4
        vec.mac  c=r25 d=146 n=4 bounds=r36 group=r12
        add      rd=r23 ra=r23 rb=r26 imm=4                                                            ; addi first, first, #4
        loop     rd=r24 to=L44
        vec.mac  a=[146] b=[136] d=126 n=40 round=nearest bounds=r36                                   ; vec d1, t1, m1, _ fn=mac hi=32767 lo=-32768 n=40 round=nearest shift=0
        key      stream=3 ra=r18                                                                       ; key step stream=3
        upd.b    w=0+10 cols=40 rows=197 v=126 rate=r19 shift=27 round=stochastic bounds=r36 group=r4  ; upd.b w1, rate1, x, d1 cols=40 hi=32767 lo=-32768 round=stochastic rows=197 shift=27 stream=3
        key      stream=4 ra=r18                                                                       ; key step stream=4
        upd.b    w=2080+3 cols=10 rows=41 s=100 v=123 rate=r19 shift=31 round=stochastic bounds=r36    ; upd.b c1, rate1, h1, e_c1 cols=10 hi=32767 lo=-32768 round=stochastic rows=41 shift=31 stream=4
        mac.r    w=1970+11 cols=41 rows=10 v=100 d=111 shift=15 round=nearest bounds=r36               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[111] d=r16 n=10                                                                    ; amax max, u2 n=10
        vec.mac  a=r16 b=#-1 c=[111] d=165 n=10 round=nearest bounds=r38                               ; vec z_10_11, max, #-1, u2 fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        vec.mac  a=[165] b=#2 d=165 n=10 round=nearest bounds=r38                                      ; vec z_10_11, z_10_11, #2, _ fn=mac hi=32766 lo=-32767 n=10 round=nearest shift=0
        tab      a=[165] d=162 n=10 bounds=r36                                                         ; tab e_10_15, z_10_11, exp hi=32767 lo=-32768 n=10
        dot      a=[162] b=#1 d=r29 n=10                                                               ; dot sum, e_10_15, #1 n=10 shift=0
        div      rd=r30 ra=r31 rb=r29                                                                  ; div scale, unit, sum shift=0
        vec.mac  a=[162] b=r30 d=114 n=10 shift=15 round=nearest bounds=r36                            ; vec h2, e_10_15, scale, _ fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=15
        vec.mac  c=[114] d=159 n=10 round=nearest bounds=r36                                           ; vec d2, _, _, h2 fn=mac hi=32767 lo=-32768 n=10 round=nearest shift=0
        load     rd=r27 at=159 index ra=r1                                                             ; load e, d2, label
        add      rd=r27 ra=r27 rb=r26 imm=-32768                                                       ; addi e, e, #-32768
        store    rb=r27 at=159 index ra=r1                                                             ; store d2, label, e
        key      stream=5 ra=r18                                                                       ; key step stream=5
        upd.b    w=1970+11 cols=41 rows=10 s=159 v=100 rate=r19 shift=33 round=stochastic bounds=r36   ; upd.b w2, rate1, d2, h1 cols=41 hi=32767 lo=-32768 round=stochastic rows=10 shift=33 stream=5
        amax     a=[111] d=r16 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r17 rb=r26                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r16 rb=r26                                                                   ; addi score, max, #0
        mul      rd=r19 ra=r19 rb=r34 shift=31                                                         ; mul rate1, rate1, rate1_factor shift=31
        min      rd=r19 ra=r19 rb=r35                                                                  ; min rate1, rate1, rate1_final
        add      rd=r18 ra=r18 rb=r26 imm=1                                                            ; addi step, step, #1
        halt                                                                                           ; halt

.entry  infer
        mac.b    w=0+10 cols=40 rows=197 d=100 shift=11 round=nearest bounds=r37 group=r4              ; mac.b h1, w1, x cols=40 hi=32767 lo=0 round=nearest rows=197 shift=11
        mac.r    w=1970+11 cols=41 rows=10 v=100 d=111 shift=15 round=nearest bounds=r36               ; mac.r u2, w2, h1 cols=41 hi=32767 lo=-32768 round=nearest rows=10 shift=15
        amax     a=[111] d=r16 n=10                                                                    ; amax max, u2 n=10
        add      rd=r2 ra=r17 rb=r26                                                                   ; addi prediction, argmax, #0
        add      rd=r3 ra=r16 rb=r26                                                                   ; addi score, max, #0
        halt                                                                                           ; halt

.entry  digest
        dig      w=0+10 rows=197 cols=40                                                               ; dig w1
        dig      tensor=1 w=1970+11 rows=10 cols=41                                                    ; dig w2
        dig      tensor=2 w=2080+3 rows=41 cols=10                                                     ; dig c1
        dig      tensor=3 space=registers at=r18 n=1                                                   ; digs step id=3
        dig      tensor=4 space=registers at=r19 n=1                                                   ; digs rate1 id=4
        halt                                                                                           ; halt
