// The verdict: what somebody on call wants to know within two seconds.
export const FRESH = 3500; // ms until what the peer told is no longer its state

export function verdict(g) {
  const self = g.self, peer = g.peer && g.peerAge < FRESH ? g.peer : null;
  const name = peer?.name ?? g.peer?.name ?? 'its peer';
  const alarms = self.alarms.concat(peer?.alarms ?? []);
  if (!self.members.length) {
    return { level: 'warn', title: 'Nothing is shared yet', text: 'No Eth-Trunk of this device belongs to an E-Trunk.' };
  }
  const dark = unsent(self, peer);
  if (dark) return { level: 'bad', title: `Nobody sends ${dark}`, text: first(alarms) };
  const critical = alarms.filter(a => a.severity === 'Critical');
  if (critical.length) return { level: 'bad', title: critical[0].text, text: `${critical[0].name}, ${critical[0].object}` };
  if (!self.trunks.some(t => t.peerAlive)) {
    return { level: 'warn', title: `${self.name} is alone: it sends everything`, text: `It does not hear ${name}. Nobody could take over from it.` };
  }
  const mine = new Set(self.members.map(m => m.duty));
  const who = mine.size > 1 ? 'Each Eth-Trunk has a device that sends'
    : mine.has('shared') ? `${self.name} and ${name} share the sending`
      : mine.has('sole') ? `${self.name} sends everything` : `${name} sends everything`;
  if (alarms.length) return { level: 'warn', title: who, text: first(alarms) };
  if (!peer) return { level: 'warn', title: who, text: `${name} does not tell how it is: the replication channel is down.` };
  const ready = self.members.concat(peer.members).every(m => m.ready || m.role === 'Backup');
  const spared = !g.reload || g.reload.self.length + g.reload.peer.length === 0;
  return { level: 'good', title: who, text: ready && spared ? 'Either could take over at once. No alarm.' : 'No alarm.' };
}

const first = alarms => alarms.length ? `${alarms[0].text} (${alarms[0].name}, ${alarms[0].object})` : '';

// unsent names the streams that no device lets pass, as far as both are known.
function unsent(self, peer) {
  for (const m of self.members) {
    const other = peer?.members.find(p => p.trunk === m.trunk && p.id === m.remote);
    if (peer === null && self.trunks.some(t => t.peerAlive)) continue; // the peer sends, unseen
    const buckets = new Set([m.covers, other?.covers]);
    const legs = m.up || other?.up;
    if (legs && !buckets.has('all') && !(buckets.has('0') && buckets.has('1'))) return `all of Eth-Trunk${m.id}`;
  }
  return '';
}
