package host

import "sync"

// conn runs a link with one goroutine each way, so that neither a busy link nor a silent one holds the session up.
type conn struct {
	link  Link
	queue []outgoing // frames that wait for room; the session's own

	out  chan []byte
	in   chan []byte
	dead chan struct{} // closed when the link is gone

	once sync.Once
	err  error // why, once dead is closed
}

// outgoing is a frame that is to be sent.
type outgoing struct {
	frame []byte
	of    *request
}

// newConn runs a link of rate bytes a second, 0: unknown. What a slow link has not sent yet stays in the queue, so that
// time-outs begin when it is sent.
func newConn(link Link, rate int) *conn {
	ahead := 64
	if rate > 0 {
		ahead = 1
	}
	c := &conn{link: link, out: make(chan []byte, ahead), in: make(chan []byte, 64), dead: make(chan struct{})}
	go c.send()
	go c.recv()
	return c
}

// sender of several frames at once is what a link may be, too: it sends those that are there with less ado than one by one.
type sender interface {
	SendAll(frames [][]byte) error
}

func (c *conn) send() {
	all, _ := c.link.(sender)
	var frames [][]byte
	for {
		select {
		case f := <-c.out:
			frames = append(frames[:0], f)
		case <-c.dead:
			return
		}
		var err error
		if all != nil {
			err = all.SendAll(c.more(frames))
		} else {
			err = c.link.Send(frames[0])
		}
		if err != nil {
			c.die(err)
			return
		}
	}
}

// more adds the frames that wait.
func (c *conn) more(frames [][]byte) [][]byte {
	for len(frames) < cap(c.out) {
		select {
		case f := <-c.out:
			frames = append(frames, f)
		default:
			return frames
		}
	}
	return frames
}

func (c *conn) recv() {
	for {
		f, err := c.link.Recv()
		if err != nil {
			c.die(err)
			return
		}
		select {
		case c.in <- f:
		case <-c.dead:
			return
		}
	}
}

func (c *conn) die(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.dead)
	})
}

// cause returns why the link is gone; call it after dead is closed.
func (c *conn) cause() error { return c.err }

func (c *conn) close() error {
	err := c.link.Close()
	c.die(errClosed)
	return err
}
