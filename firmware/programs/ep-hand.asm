; Equilibrium propagation, centred, 784-100-10, 16 lanes.
;
;   s1 = clip(W1 x + b1 + W2' s2, 0, 1)     s2 = clip((W2 s1 + b2 + beta t) / (1 + beta), 0, 1),  beta = 1/2
;   6 free sweeps up; 2 sweeps down for +beta and 2 for -beta, both from the free state
;   D = s+ - s-,  M = (s+ + s-) / 2:  dW1 = lr D1 x',  dW2 = lr (D2 M1' + M2 D1')
;
; Formats: W F15, states and x F14, so that W1 x, W2' s2 and beta t are all F29 in one accumulator; s2 before the division
; F12. Both matrices have the lanes over their outputs; the last row is the bias, its partner element is one.

; weight memory, words
.equ    W1      0               ; 785 rows of 7 words
.equ    W2      785*7           ; 101 rows of 1 word
; vector memory, words
.equ    IN      0               ; two input buffers of 50 words; element 784 is 256, loaded
.equ    X       100             ; 785 elements
.equ    U1      150             ; wide: W1 x + b1, once a sample
.equ    S1      171             ; wide while it is summed, then s1 and at element 100 one
.equ    BT      192             ; wide: beta t
.equ    S2      195             ; wide while it is summed, then s2
.equ    F1      198             ; free s1 and one
.equ    P1      205             ; s1+
.equ    P2      212             ; s2+
.equ    D1      213
.equ    M1      220             ; and at element 100 one
.equ    D2      227
.equ    M2      228

.reg    r4  0
.reg    r8  0 "clock"
.reg    r10 10486:0 "lr"        ; 0.02 in F19
.reg    r11 0:11000 "lrstep"    ; linear to zero in about 60,000 samples
.reg    r20 32767:-32768 "full"
.reg    r21 16384:0 "unit"      ; [0, 1] in F14
.reg    r22 6144:0 "nudged"     ; [0, 1.5] in F12
.reg    r23 4836:0 "init"
.reg    r24 16384 "one"
.reg    r25 100 "hundred"
.reg    r26 4096 "plus"         ; beta in F29, middle halfword
.reg    r27 -4096 "minus"       ; -beta: middle and
.reg    r28 -1 "sign"           ; high halfword
.reg    r63 0 "zero"

.entry init
        key     stream=0 ra=zero
        blend   wsrc=uniform w=W1+7 cols=100 rows=784 rate=init shift=18 round=nearest bounds=full set
        key     stream=1 ra=zero
        blend   wsrc=uniform w=W2+1 cols=10 rows=100 rate=init shift=16 round=nearest bounds=full set
        halt

.entry infer
        set     rd=r12 imm=0
        jump    to=free
.entry learn
        set     rd=r12 imm=1
free:   vec.mac a=[IN] b=#64 d=X n=785 bounds=full group=r4
        mac.b   w=W1+7 cols=100 rows=785 s=X d=U1 wideout
        vec.mac d=S2 n=10 bounds=full
        set     rd=r9 imm=6
up:     vec.mac c=[U1] d=S1 n=21*16 bounds=full ; a wide vector is read and written in one place: copy it first
        mac.r   w=W2+1 cols=10 rows=100 v=S2 d=S1 shift=15 round=nearest bounds=unit widein
        store   rb=one at=S1 index ra=hundred
        mac.b   w=W2+1 cols=10 rows=101 s=S1 d=S2 shift=15 round=nearest bounds=unit
        loop    rd=r9 to=up
        amax    a=[S2] d=r40 n=10
        add     rd=r2 ra=r41 rb=zero
        jne     ra=r12 rb=zero to=nudge
        halt

nudge:  vec.mac c=[S1] d=F1 n=101 bounds=full
        vec.mac d=BT n=48 bounds=full
        store   rb=plus at=BT+1 index ra=r1
        set     rd=r9 imm=2
down:   vec.mac c=[BT] d=S2 n=48 bounds=full
        mac.b   w=W2+1 cols=10 rows=101 s=S1 d=S2 shift=17 round=nearest bounds=nudged widein
        vec.mac a=[S2] b=#10923 d=S2 n=10 shift=12 round=nearest bounds=unit ; 2/3 in F14
        vec.mac c=[U1] d=S1 n=21*16 bounds=full
        mac.r   w=W2+1 cols=10 rows=100 v=S2 d=S1 shift=15 round=nearest bounds=unit widein
        store   rb=one at=S1 index ra=hundred
        loop    rd=r9 to=down
        vec.mac c=[S1] d=P1 n=100 bounds=full
        vec.mac c=[S2] d=P2 n=10 bounds=full

        vec.mac c=[F1] d=S1 n=101 bounds=full
        store   rb=minus at=BT+1 index ra=r1
        store   rb=sign at=BT+2 index ra=r1
        set     rd=r9 imm=2
back:   vec.mac c=[BT] d=S2 n=48 bounds=full
        mac.b   w=W2+1 cols=10 rows=101 s=S1 d=S2 shift=14 round=nearest bounds=unit widein ; / (1 - 1/2)
        vec.mac c=[U1] d=S1 n=21*16 bounds=full
        mac.r   w=W2+1 cols=10 rows=100 v=S2 d=S1 shift=15 round=nearest bounds=unit widein
        store   rb=one at=S1 index ra=hundred
        loop    rd=r9 to=back

        vec.mac a=[S1] b=#-1 c=[P1] d=D1 n=100 bounds=full
        vec.mac a=[D1] b=#1 c=[S1] d=M1 n=100 shift=1 round=nearest bounds=full
        store   rb=one at=M1 index ra=hundred
        vec.mac a=[S2] b=#-1 c=[P2] d=D2 n=10 bounds=full
        vec.mac a=[D2] b=#1 c=[S2] d=M2 n=10 shift=1 round=nearest bounds=full
        add     rd=clock ra=clock rb=zero imm=1
        key     stream=2 ra=clock
        upd.b   w=W1+7 cols=100 rows=785 s=X v=D1 rate=lr shift=32 round=stochastic bounds=full
        key     stream=3 ra=clock
        upd.b   w=W2+1 cols=10 rows=101 s=M1 v=D2 rate=lr shift=32 round=stochastic bounds=full
        key     stream=4 ra=clock
        upd.b   w=W2+1 cols=10 rows=100 s=D1 v=M2 rate=lr shift=32 round=stochastic bounds=full
        sub     rd=lr ra=lr rb=lrstep
        max     rd=lr ra=lr rb=zero
        halt

.entry digest
        dig     tensor=0 w=W1+7 rows=785 cols=100
        dig     tensor=1 w=W2+1 rows=101 cols=10
        dig     tensor=2 space=registers at=r8 n=1
        dig     tensor=3 space=registers at=r10 n=1
        halt
