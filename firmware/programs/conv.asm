; One convolution layer, 5x5, 1 -> 8 channels, 28x28 -> 24x24, 16 lanes, trained towards a target map T.
;
;   h[p,c] = relu(b[c] + sum_k W[k,c] x[p+k])                 position-major: a word a position, channels across lanes
;   d[p,c] = h > 0 ? T - h : 0
;   dx[p+k] = sum over p, c of W[k,c] d[p,c]                  wide scatter, rounded once
;   W[k,c] += lr sum_p d[p,c] x[p+k]                          wide sum over positions, rounded, then the update
;
; Formats: x F8, W F14, h, T, d F10, the summed gradient F6.

; weight memory, words
.equ    W       0               ; 25 rows of one word
.equ    B       25              ; bias row
.equ    DM      26              ; d as a matrix: 576 rows of one word
; vector memory, words
.equ    IN      0               ; two input buffers of 49 words
.equ    ONE     98              ; element 0 is 256, loaded: one in F8
.equ    NIL     99              ; zeros
.equ    ONES    100             ; 576 elements of 256
.equ    G       136             ; gradient: 26 words
.equ    DX      162             ; wide, 147 words, then the first 49
.equ    T       309             ; 576 words
.equ    D       885             ; 576 words
.equ    H       1461            ; 576 words; three times that while a bias is preloaded

.reg    r4  0
.reg    r8  0 "clock"
.reg    r20 32767:-32768 "full"
.reg    r21 32767:0 "relu"
.reg    r22 2048:0 "lr"
.reg    r23 16384:0 "exact"
.reg    r25 5:28                ; r24..27: 5 runs of 5 pixels, 28 apart, from the position's first pixel
.reg    r33 24:28               ; r32..35: 24 runs of 24 positions
.reg    r63 0 "zero"

.entry init
        key     stream=0 ra=zero
        blend   wsrc=uniform w=W+1 cols=8 rows=25 rate=exact shift=17 round=nearest bounds=full set
        halt

.entry learn
        ; forward
        add     rd=r24 ra=r4 rb=zero
        set     rd=r27 imm=0
        set     rd=r31 imm=0
        set     rd=r10 imm=24
fy:     set     rd=r9 imm=24
fx:     mac.b   w=B+1 cols=8 rows=1 s=ONE d=H group=r28 wideout
        mac.b   w=W+1 cols=8 rows=5 s=IN d=H shift=12 round=nearest bounds=relu group=r24 widein
        add     rd=r24 ra=r24 rb=zero imm=1
        add     rd=r27 ra=r27 rb=zero imm=16
        add     rd=r31 ra=r31 rb=zero imm=16
        loop    rd=r9 to=fx
        add     rd=r24 ra=r24 rb=zero imm=4
        loop    rd=r10 to=fy

        ; error: 9,216 elements, two passes of 288 words each
        vec.mac a=[H] b=#-1 c=[T] d=D n=4608 bounds=full
        vec.mac a=[H+288] b=#-1 c=[T+288] d=D+288 n=4608 bounds=full
        vec.sel a=[H] b=[D] d=D n=4608 bounds=full
        vec.sel a=[H+288] b=[D+288] d=D+288 n=4608 bounds=full

        ; backward to x, and d into weight memory
        vec.mac d=DX n=147*16 bounds=full
        set     rd=r24 imm=0
        set     rd=r27 imm=0
        set     rd=r38 imm=0
        set     rd=r39 imm=0
        set     rd=r10 imm=24
by:     set     rd=r9 imm=24
bx:     mac.r   w=W+1 cols=8 rows=5 v=D d=DX group=r24 widein wideout
        upd.r   w=DM+1 cols=8 rows=1 s=ONES v=D rate=exact shift=22 bounds=full group=r36 pull ; DM[p] = d[p]
        add     rd=r24 ra=r24 rb=zero imm=1
        add     rd=r27 ra=r27 rb=zero imm=16
        add     rd=r38 ra=r38 rb=zero imm=1
        add     rd=r39 ra=r39 rb=zero imm=16
        loop    rd=r9 to=bx
        add     rd=r24 ra=r24 rb=zero imm=4
        loop    rd=r10 to=by
        mac.b   wsrc=sign cols=784 rows=1 s=NIL d=DX shift=14 round=nearest bounds=full widein ; narrow: adds nothing

        ; gradient and update, a kernel offset at a time
        add     rd=clock ra=clock rb=zero imm=1
        key     stream=1 ra=clock
        add     rd=r32 ra=r4 rb=zero
        set     rd=r35 imm=0
        set     rd=r10 imm=5
gy:     set     rd=r9 imm=5
gx:     mac.b   w=DM+1 cols=8 rows=24 s=IN d=G shift=12 round=nearest bounds=full group=r32
        add     rd=r32 ra=r32 rb=zero imm=1
        add     rd=r35 ra=r35 rb=zero imm=16
        loop    rd=r9 to=gx
        add     rd=r32 ra=r32 rb=zero imm=23
        loop    rd=r10 to=gy
        mac.b   w=DM+1 cols=8 rows=576 s=ONES d=G+25 shift=12 round=nearest bounds=full
        set     rd=r38 imm=0
        set     rd=r39 imm=0
        set     rd=r9 imm=26
u:      add     rd=clock ra=clock rb=zero imm=1
        key     stream=1 ra=clock
        upd.r   w=W+1 cols=8 rows=1 s=ONE v=G rate=lr shift=16 round=stochastic bounds=full group=r36
        add     rd=r38 ra=r38 rb=zero imm=1
        add     rd=r39 ra=r39 rb=zero imm=16
        loop    rd=r9 to=u
        halt

.entry digest
        dig     tensor=0 w=W+1 rows=26 cols=8
        dig     tensor=1 space=registers at=r8 n=1
        halt
