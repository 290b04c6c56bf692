package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Default paths: the directory for runtime files, and the socket on which the daemon
// listens.
const (
	DefaultRunDir = "/run/tandem"
	DefaultSocket = DefaultRunDir + "/console.sock"
)

// Client sends requests to the daemon over its socket.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client; the first request connects.
func NewClient(socket string) *Client {
	var d net.Dialer
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socket)
		},
		MaxConnsPerHost: 3, // one request waits for log events, one can interrupt a line
	}}}
}

// Close closes the connections. Their sessions end after the idle limit.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Open starts a session.
func (c *Client) Open(ctx context.Context, interactive bool) (*Session, error) {
	var reply openReply
	if err := c.do(ctx, http.MethodPost, "/v1/sessions", openRequest{Interactive: interactive}, &reply); err != nil {
		return nil, err
	}
	return &Session{client: c, path: "/v1/sessions/" + reply.ID, Prompt: reply.Prompt}, nil
}

// Session is a console session held by the daemon.
type Session struct {
	client *Client
	path   string
	// JSON makes displays print JSON, even if the line does not request it.
	JSON bool
	// Prompt is the prompt that follows the last line.
	Prompt string
}

// Exec runs one line. If the console refuses the line, Exec returns no error, but a Reply
// with Failed.
func (s *Session) Exec(ctx context.Context, line string) (Reply, error) {
	var reply Reply
	err := s.client.do(ctx, http.MethodPost, s.path+"/exec", lineRequest{line, s.JSON}, &reply)
	if err == nil {
		s.Prompt = reply.Prompt
	}
	return reply, err
}

// Load loads a configuration text into the candidate, instead of its content or in addition
// to it. With compare it only returns what would change.
func (s *Session) Load(ctx context.Context, text string, replace, compare bool) (Reply, error) {
	var reply Reply
	err := s.client.do(ctx, http.MethodPost, s.path+"/load", loadRequest{text, replace, compare}, &reply)
	if err == nil {
		s.Prompt = reply.Prompt
	}
	return reply, err
}

// Interrupt ends the line that is being run.
func (s *Session) Interrupt(ctx context.Context) error {
	return s.client.do(ctx, http.MethodPost, s.path+"/interrupt", nil, nil)
}

// Complete returns what may follow at the end of a line.
func (s *Session) Complete(ctx context.Context, line string) (Completion, error) {
	var reply Completion
	err := s.client.do(ctx, http.MethodPost, s.path+"/complete", lineRequest{Line: line}, &reply)
	return reply, err
}

// Close ends the session and drops changes that were not committed.
func (s *Session) Close(ctx context.Context) error {
	return s.client.do(ctx, http.MethodDelete, s.path, nil, nil)
}

// Follow waits for events with a number above after, and returns them as lines.
func (s *Session) Follow(ctx context.Context, after uint64) (LogReply, error) {
	var reply LogReply
	err := s.client.do(ctx, http.MethodGet, "/v1/log?after="+strconv.FormatUint(after, 10), nil, &reply)
	return reply, err
}

// Record writes the recording of the device's latest inputs to w.
func (c *Client) Record(ctx context.Context, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tandem/v1/recording", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	_, err = io.Copy(w, resp.Body)
	return err
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	body := &bytes.Buffer{}
	if in != nil {
		if err := json.NewEncoder(body).Encode(in); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	// HTTP needs a host name; the daemon does not use it.
	req, err := http.NewRequestWithContext(ctx, method, "http://tandem"+path, body)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	defer func() { _, _ = io.Copy(io.Discard, resp.Body) }() // reads the rest, so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return refused(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("answer of the daemon: %w", err)
	}
	return nil
}

func refused(resp *http.Response) error {
	var f failure
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("daemon answers %s", resp.Status)
	}
	return errors.New(f.Error)
}

// explain says why the socket cannot be used, in words for the operator.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("no daemon answers on %s: is tandemd running? (%w)", c.socket, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("no permission for %s: %w", c.socket, err)
	}
	return fmt.Errorf("daemon on %s: %w", c.socket, err)
}
