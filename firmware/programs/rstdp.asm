; Reward-modulated STDP, 784 -> 100 leaky integrate-and-fire neurons, 32 time steps a sample, 16 lanes.
;
;   s_i(t) ~ Bernoulli(x_i / 512)            v = 15/16 v + W s,  z = v >= th,  v = 0 where z
;   xp = a xp + s,  yp = b yp + z            E += ltp xp z - ltd s yp          each step
;   E -= E / 8                               W += rate (R - R0) E              once a sample
;   R = +1 when the vote is right, else -1;  R0 follows R;  th += eta (count - target)
;
; Formats: W, E F14; s, z, xp, yp F8 (a spike is 256); currents and potentials F9.

; weight memory, words
.equ    W       0
.equ    E       784*7
.equ    VOTES   2*784*7         ; class of each neuron, one-hot: loaded, never learned
; vector memory, words
.equ    IN      0               ; two input buffers of 49 words
.equ    X       98
.equ    S       147
.equ    XP      196             ; xp, v, z, yp, count are cleared together
.equ    V       245
.equ    Z       252
.equ    YP      259
.equ    CNT     266
.equ    I       273
.equ    TH      280
.equ    VOTE    287
.equ    TMP     288

.reg    r4  0
.reg    r8  0 "clock"           ; time steps since the start: the step of the draws
.reg    r10 0 "base"            ; R0
.reg    r20 32767:-32768 "full"
.reg    r21 256:0 "spike"
.reg    r22 32767:0 "positive"
.reg    r23 32000:2560 "thresholds"
.reg    r24 4915:0 "init"       ; 0.3 in F14
.reg    r25 -4096:0 "fade"      ; -1/8 in F15
.reg    r26 16384:0 "ltp"
.reg    r27 -8192:0 "ltd"
.reg    r63 0 "zero"

.entry init
        key     stream=0 ra=zero
        blend   wsrc=uniform w=W+7 cols=100 rows=784 rate=init shift=15 round=nearest bounds=full set
        vec.mac c=#1 d=S n=784 bounds=full
        vec.mac c=#1 d=Z n=100 bounds=full
        upd.b   w=W+7 cols=100 rows=784 s=S v=Z rate=init bounds=positive ; uniform in [0, 0.6)
        blend   w=E+7 cols=100 rows=784 m=W rate=zero bounds=full set ; E = 0
        vec.mac c=#5120 d=TH n=100 bounds=full
        halt

.entry learn
        vec.mac a=[IN] b=#128 c=#-32768 d=X n=784 bounds=full group=r4
        vec.mac d=XP n=77*16 bounds=full
        key     stream=1 ra=clock
        blend   w=E+7 cols=100 rows=784 m=E rate=fade shift=15 round=stochastic bounds=full
        set     rd=r9 imm=32
step:   add     rd=clock ra=clock rb=zero imm=1
        key     stream=2 ra=clock
        vec.ge  a=[X] c=uniform d=S n=784 bounds=spike
        mac.b   w=W+7 cols=100 rows=784 s=S d=I shift=13 round=nearest bounds=full
        vec.mac a=[V] b=#15360 c=[I] d=V n=100 shift=14 round=nearest bounds=full
        vec.ge  a=[V] c=[TH] d=Z n=100 bounds=spike
        vec.sel a=[Z] c=[V] d=V n=100 bounds=full
        vec.mac a=[XP] b=#29491 c=[S] d=XP n=784 shift=15 round=nearest bounds=full
        vec.mac a=[YP] b=#31130 c=[Z] d=YP n=100 shift=15 round=nearest bounds=full
        vec.mac a=[Z] b=#1 c=[CNT] d=CNT n=100 bounds=full
        key     stream=3 ra=clock
        upd.b   w=E+7 cols=100 rows=784 s=S v=YP rate=ltd shift=22 round=stochastic bounds=full
        amax    a=[Z] d=r40 n=100
        jeq     ra=r40 rb=zero to=quiet ; no output spike, no potentiation
        key     stream=4 ra=clock
        upd.b   w=E+7 cols=100 rows=784 s=XP v=Z rate=ltp shift=22 round=stochastic bounds=full
quiet:  loop    rd=r9 to=step

        mac.b   w=VOTES+1 cols=10 rows=100 s=CNT d=VOTE shift=4 round=nearest bounds=full
        amax    a=[VOTE] d=r40 n=10
        add     rd=r2 ra=r41 rb=zero
        set     rd=r11 imm=-0x20000000
        jne     ra=r41 rb=r1 to=reward
        set     rd=r11 imm=0x20000000
reward: sub     rd=r11 ra=r11 rb=base ; R - R0 in the top half: a rate
        shr     rd=r12 ra=r11 shift=6
        add     rd=base ra=base rb=r12
        key     stream=5 ra=clock
        blend   w=W+7 cols=100 rows=784 m=E rate=r11 shift=17 round=stochastic bounds=positive
        vec.mac a=[CNT] b=#1 c=#-256 d=TMP n=100 bounds=full
        key     stream=6 ra=clock
        vec.mac a=[TMP] b=#5 c=[TH] d=TH n=100 shift=6 round=stochastic bounds=thresholds
        halt

.entry digest
        dig     tensor=0 w=W+7 rows=784 cols=100
        dig     tensor=1 w=E+7 rows=784 cols=100
        dig     tensor=2 space=vectors at=TH n=100
        dig     tensor=3 space=registers at=r8 n=1
        dig     tensor=4 space=registers at=r10 n=1
        halt
