package host

import "sync"

// conn runs a link with one goroutine each way, so that neither a busy link nor a silent one holds the session up.
type conn struct {
	link  Link
	queue [][]byte // frames that wait for room in out; the session's own

	out  chan []byte
	in   chan []byte
	dead chan struct{} // closed when the link is gone

	once sync.Once
	err  error // why, once dead is closed
}

func newConn(link Link) *conn {
	c := &conn{link: link, out: make(chan []byte, 64), in: make(chan []byte, 64), dead: make(chan struct{})}
	go c.send()
	go c.recv()
	return c
}

func (c *conn) send() {
	for {
		select {
		case f := <-c.out:
			if err := c.link.Send(f); err != nil {
				c.die(err)
				return
			}
		case <-c.dead:
			return
		}
	}
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
