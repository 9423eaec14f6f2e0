/** What a run prints: a line per fault as it comes, then the counts, then each violation and each allowed case. */

/** Of one count, before the rest is only a number. */
const SHOWN = 20;

export function line({ kind, nodes, forMs, meanwhile }, startedAt) {
  const at = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
  const whom = nodes.length === 3 ? 'all nodes' : nodes.map((index) => `node-${index + 1}`).join(', ');
  const more = meanwhile ? `; meanwhile ${meanwhile.kind} (${meanwhile.nodes.map((index) => `node-${index + 1}`).join(', ')})` : '';
  return `${at} s  ${kind}: ${whom}, ${(forMs / 1000).toFixed(1)} s${more}`;
}

/** As lines of text. */
export function summary(store, { counts, violations, allowed, seconds }) {
  const { reads, rotations, lostIssues, onTheWay, slow, uses, rejected, reports, orders, faults, looks } = counts;
  const told = Object.entries(reports).map(([outcome, times]) => `${times} ${outcome}`);
  return [
    `${store}: ${seconds} s, ${faults} faults (a row per node), ${looks} looks into the store`,
    `  reads                ${reads} (${Math.round(reads / seconds)}/s; ${slow} took over 1 s; ${onTheWay} tokens ended on the way)`,
    `  uses at WeChat       ${uses}, rejected ${rejected}; reports ${told.join(', ') || 'none'}`,
    `  rotations            ${rotations}, and ${lostIssues} issues lost by faults; ${orders} were ordered`,
    ...Object.entries(violations).flatMap(([name, found]) => [`  ${name}: ${found.length}`, ...shown(found)]),
    `  allowed cases: ${allowed.length}`,
    ...shown(allowed),
  ];
}

const shown = (found) => [
  ...found.slice(0, SHOWN).map((text) => `    ${text}`),
  ...(found.length > SHOWN ? [`    … ${found.length - SHOWN} more`] : []),
];

export const isRight = ({ counts, violations }) => counts.reads > 0 && Object.values(violations).every((found) => found.length === 0);
