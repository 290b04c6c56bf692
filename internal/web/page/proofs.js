// What each device has shown to work, and whether the other one can be spared.
import { $, ago, esc } from './words.js';

const KINDS = ['able', 'arriving', 'leaving', 'told apart'];
const LEVEL = { yes: 'good', no: 'bad' };

// drawProofs makes one row of each interface of each device. A device of an older release tells none.
export function drawProofs(devices) {
  $('proofs').innerHTML = devices.filter(d => d?.fresh).flatMap(d => {
    const objects = [...new Set((d.proofs ?? []).map(p => p.object))];
    return objects.map(object => `<tr><td>${esc(d.name)}</td><td>${esc(object)}</td>` +
      KINDS.map(kind => cell(d, d.proofs.filter(p => p.object === object && p.kind === kind))).join('') + '</tr>');
  }).join('') || `<tr><td colspan="${2 + KINDS.length}" class="dim">No Eth-Trunk belongs to an E-Trunk.</td></tr>`;
}

// cell tells of one kind of proof: of several E-Trunks, the worst.
function cell(device, proofs) {
  const p = proofs.find(p => p.verdict === 'no') ?? proofs.find(p => p.verdict !== 'yes') ?? proofs[0];
  if (!p) return '<td></td>';
  return `<td><span class="${LEVEL[p.verdict] ?? 'dim'}">${esc(p.verdict)}</span> <span class="dim">for ${ago(device.at - p.since)}</span>
    ${p.reason ? `<br><small>${esc(p.reason)}</small>` : ''}</td>`;
}

// drawReload says of each device whether it can be reloaded now, and what stands against it.
export function drawReload(glance) {
  const devices = [[glance.self.name, glance.reload.self], [glance.peer?.name ?? 'its peer', glance.reload.peer]];
  $('reload').innerHTML = devices.map(([name, against]) => against.length
    ? `<div class="alarm warn"><b>${esc(name)}: not now</b>` + against.map(o =>
      `<p>${esc(o.object)} <span class="dim">${esc(o.reason)}${o.since ? `, for ${ago(glance.self.at - o.since)}` : ''}</span></p>`).join('') + '</div>'
    : `<p class="good">${esc(name)}: nobody would miss anything</p>`).join('');
}
