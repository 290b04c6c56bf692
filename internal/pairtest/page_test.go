package pairtest

import (
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// screenshots is for docs/: go test ./internal/pairtest -run TestPage -screenshots $PWD/docs/pictures
var screenshots = flag.String("screenshots", "", "write pictures of the web page into a `directory`")

const (
	pageURL = "http://[::1]:9777/"
	title   = "document.querySelector('#verdict h1').textContent"
	level   = "document.getElementById('verdict').className"
)

// leg returns the page's text on the leg to a device.
func leg(name string) string {
	return fmt.Sprintf(`document.querySelector('[data-leg="%s"]')?.textContent`, name)
}

// TestPage checks the page of one device: both halves, a listener, and twice the loss and the
// return of the peer while they happen.
func TestPage(t *testing.T) {
	if *screenshots != "" {
		t.Run("pictures", takePictures)
	}
	p := newPair(t)
	testnet.Must(t, p.a.Links.SetUp("lo", true))
	b := newBrowser(t, p.a)
	p.start()
	p.a.configures("sysname router-a")
	p.b.configures("sysname router-b")
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.awaits(s)
	p.forms(1)

	b.open(pageURL, 1280)
	b.shows(title, "router-a and router-b share the sending")
	b.shows(level, "verdict good")
	b.shows(leg("router-a"), "sends half (bucket 0)")
	b.shows(leg("router-b"), "sends half (bucket 1)")
	b.shows("document.querySelector('#groups td').textContent", asmGroup.String())
	b.shows("document.getElementById('alarms').textContent.trim()", "None on either device.")
	const reload = "document.getElementById('reload').textContent"
	const spared = reload + ".match(/router-[ab]: nobody would miss anything/g)?.length"
	b.shows(spared, 2.0)
	b.shows("[...document.querySelectorAll('#proofs tr')].map(r => r.children[0].textContent + ' ' + r.children[1].textContent + ' ' + r.children[3].querySelector('span').textContent).join()",
		"router-a up0 yes,router-a Eth-Trunk10 yes,router-b up0 yes,router-b Eth-Trunk10 yes")
	b.search("ff3e:ffff::/32", "0 found")
	b.search("2001:db8:10::dead", "0 found")
	b.search(asmGroup.String()[:4], "1 found")
	b.clicks("#groups tr.row")
	b.shows("document.querySelectorAll('#groups tr.detail').length", 1.0)
	// The same by keyboard, and on the screen of a telephone.
	b.shows("(r => { r.focus(); r.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true})); return document.activeElement === r; })"+
		"(document.querySelector('#groups tr.row'))", true)
	b.shows("document.querySelectorAll('#groups tr.detail').length", 0.0)
	b.shows("document.activeElement.matches('#groups tr.row')", true)
	b.open(pageURL, 375)
	b.shows(level, "verdict good")
	b.shows("document.querySelector('.pair svg').getBoundingClientRect().right <= 375", true)
	b.open(pageURL, 1280)
	b.shows(level, "verdict good")

	for range 2 {
		p.b.kill()
		b.shows(title, "router-a is alone: it sends everything")
		b.shows(level, "verdict warn")
		b.shows(leg("router-a"), "sends everything")
		b.shows(reload+".includes('router-a: not nowE-Trunk 1 the peer is not heard')", true)
		b.shows("document.querySelectorAll('#plot-gaps .gap').length > 0", true)
		b.shows("document.getElementById('alarms').textContent.includes('ETRUNK_PEER_LOST')", true)
		p.b.start()
		b.shows(title, "router-a and router-b share the sending")
		b.shows(leg("router-b"), "sends half (bucket 1)")
		b.shows(spared, 2.0)
	}
	p.a.types("switchover e-trunk 1")
	b.shows(title, "router-b sends everything")
	b.shows(leg("router-a"), "silent")
	p.a.types("undo switchover e-trunk 1")
	b.shows(title, "router-a and router-b share the sending")
	b.judges()
	b.quiet()
}

// judges checks how the page shows pairs in a worse state than the test's pair.
func (b *browser) judges() {
	b.t.Helper()
	const self = `{name: 'A', alarms: [], trunks: [{peerAlive: true}], members: [{trunk: 1, id: 10, remote: 20, up: true, ready: true, role: 'Master', duty: 'shared', covers: '0'}]}`
	const peer = `{name: 'B', alarms: [], trunks: [{peerAlive: true}], members: [{trunk: 1, id: 20, remote: 10, up: true, ready: true, role: 'Master', duty: 'shared', covers: '1'}]}`
	for change, want := range map[string]string{
		"":                             "good A and B share the sending",
		"peer.members[0].covers = '0'": "bad Nobody sends all of Eth-Trunk10",
		"self.members[0].covers = peer.members[0].covers = 'none'":                                       "bad Nobody sends all of Eth-Trunk10",
		"self.members[0].covers = 'all'; self.members[0].duty = 'sole'":                                  "good A sends everything",
		"self.members[0].covers = 'none'; self.members[0].duty = 'none'; peer.members[0].covers = 'all'": "good B sends everything",
		"g.peerAge = 10000": "warn A and B share the sending",
		"g.peer = null":     "warn A and its peer share the sending",
		"g.peerAge = 10000; self.trunks[0].peerAlive = false; self.members[0].covers = 'all'":                      "warn A is alone: it sends everything",
		"peer.alarms = [{severity: 'Critical', name: 'UPSTREAM_DOWN', text: 'No stream arrives.', object: 'up0'}]": "bad No stream arrives.",
		"self.alarms = [{severity: 'Major', name: 'X', text: 'x', object: 'y'}]":                                   "warn A and B share the sending",
		"self.members = []": "warn Nothing is shared yet",
	} {
		b.shows(fmt.Sprintf(`import('./verdict.js').then(m => { const self = %s, peer = %s, g = {self, peer, peerAge: 0}; %s;
			const v = m.verdict(g); return v.level + ' ' + v.title })`, self, peer, change), want)
	}
}

// takePictures makes the pictures of docs/: a working pair with listeners, and the same pair
// with one device lost.
func takePictures(t *testing.T) {
	p := newPair(t)
	testnet.Must(t, p.a.Links.SetUp("lo", true))
	b := newBrowser(t, p.a)
	p.start()
	p.a.configures("sysname router-a")
	p.b.configures("sysname router-b")
	b.open(pageURL, 1280)
	s := p.stream(asmGroup)
	p.join(asmGroup, noSource).awaits(s)
	live := func(rounds int) {
		for round := range rounds {
			var some []*listener
			for i := range 20 + 15*(round%7) {
				group := asmGroup.As16()
				group[13], group[14] = byte(round), byte(i)
				some = append(some, p.join(netip.AddrFrom16(group), noSource))
			}
			time.Sleep(time.Second)
			for _, l := range some[:len(some)*(round%4)/4] {
				l.leave()
			}
		}
	}
	live(40)
	p.b.kill()
	live(4)
	b.photograph("page-alone")
	p.b.start()
	live(40)
	b.shows(level, "verdict good")
	b.photograph("page")
	b.clicks("#theme")
	b.photograph("page-dark")
}

// clicks clicks on the first element that matches.
func (b *browser) clicks(selector string) {
	b.t.Helper()
	b.shows(fmt.Sprintf("(() => { const e = document.querySelector(%q); e?.click(); return !!e })()", selector), true)
}

// search types a text into the search field.
func (b *browser) search(text, found string) {
	b.t.Helper()
	b.shows(fmt.Sprintf("(() => { const s = document.getElementById('search'); s.value = %q; s.dispatchEvent(new Event('input')); return s.value })()", text), text)
	b.shows("document.getElementById('found').textContent", found)
}
