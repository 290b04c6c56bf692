package pairtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/linux/testnet"
)

// fetch sends a request to the HTTP server of a device from its namespace.
func (d *device) fetch(url string) (string, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = d.Do(func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, address)
				return err
			})
			return conn, err
		},
	}}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return string(body), err
}

// measures waits until the metrics of a device have these samples.
func (d *device) measures(url string, samples ...string) {
	d.t.Helper()
	eventually(d.t, "device "+d.name+" is measured", func() error {
		text, err := d.fetch(url)
		for _, s := range samples {
			if err == nil && !strings.Contains("\n"+text, "\n"+s) {
				err = fmt.Errorf("no sample %s", s)
			}
		}
		return err
	})
}

// counts waits until a counter is above zero on one of the devices. A host is counted on
// the device that first receives its report.
func (p *pair) counts(series string, urls map[*device]string) {
	p.a.t.Helper()
	eventually(p.a.t, series+" counts", func() error {
		for d, url := range urls {
			text, err := d.fetch(url)
			if err != nil {
				return err
			}
			if strings.Contains(text, "\n"+series+" ") && !strings.Contains(text, "\n"+series+" 0\n") {
				return nil
			}
		}
		return errors.New("on neither device")
	})
}

// TestMetrics: the metrics show the pair, the latency of a join to the kernel and to the peer,
// and the loss of the peer. Address and port of the server are configured.
func TestMetrics(t *testing.T) {
	p := newPair(t)
	for _, d := range []*device{p.a, p.b} {
		testnet.Must(t, d.Links.SetUp("lo", true))
	}
	p.start()
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.awaits(s)
	p.forms(1)
	const url = "http://[::1]:9777/metrics"
	shared := []string{
		`tandem_rbs_in_sync{service="rbs1"} 1`, `tandem_rbs_digests_equal{service="rbs1"} 1`,
		`tandem_member_ready{etrunk="1",member="10"} 1`, `tandem_member_duty{duty="shared",etrunk="1",member="10"} 1`,
		`tandem_member_covers{bucket="0",etrunk="1",member="10"} 1`, `tandem_member_covers{bucket="1",etrunk="1",member="10"} 0`,
		`tandem_etrunk_role{etrunk="1",role="Master"} 1`, `tandem_bfd_session_state{session="core",state="Up"} 1`,
		`tandem_mld_groups{interface="Eth-Trunk10"} 2`, `tandem_rbp_records{profile="rbp1"} 2`,
		`tandem_alarms{alarm="ETRUNK_PEER_LOST",severity="Major"} 0`, `tandem_serves_alone 1`, `tandem_streams_lacking{service="rbs1"} 0`,
		`tandem_proof{etrunk="1",object="Eth-Trunk10",proof="arriving"} 1`, `tandem_proof{etrunk="1",object="Eth-Trunk10",proof="leaving"} 1`,
	}
	both := map[*device]string{p.a: url, p.b: url}
	p.counts(`tandem_rbs_replication_lag_seconds_count{service="rbs1"}`, both)
	p.counts(`tandem_mld_activity_total{interface="Eth-Trunk10",kind="joins"}`, both)
	p.join(ssmGroup, sourceAddr) // this entry is made at once, not only when the stream arrives
	p.counts(`tandem_join_latency_seconds_count`, both)
	p.forms(2)
	p.a.measures(url, append(shared, "tandem_mfc_entries 2")...)
	p.b.kill()
	p.a.measures(url, `tandem_member_duty{duty="sole",etrunk="1",member="10"} 1`, `tandem_alarms{alarm="ETRUNK_PEER_LOST",severity="Major"} 1`,
		`tandem_serves_alone 0`)
	p.b.start()
	p.a.measures(url, shared...)

	p.a.configures("http server port 9800")
	p.a.measures("http://[::1]:9800/metrics", shared...)
	contains(t, p.a.shows("http server"), "listening")
	if _, err := p.a.fetch(url); err == nil {
		t.Error("it is still served at the port before")
	}
	p.a.configures("http server address 2001:db8:dead::1")
	eventually(t, "the address that the device has not is told of", func() error {
		if text := p.a.shows("http server"); !strings.Contains(text, "cannot assign requested address") {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
	testnet.Must(t, p.a.shares()) // the duties do not change
	p.a.configures("undo http server enable")
	eventually(t, "it is served no more", func() error {
		if text := p.a.shows("http server"); !strings.Contains(text, "disabled") {
			return fmt.Errorf("%s", text)
		}
		return nil
	})
}
