/** What a run prints: a line per fault as it comes, then the counts, then each violation and each allowed case. */

/** Of one count, before the rest is only a number. */
const SHOWN = 20;
/** The callers make some 600 to 1000; a loaded machine halves that, more than once. */
const LEAST_READS_PER_SECOND = 20;

export function line({ kind, nodes, forMs, meanwhile }, startedAt) {
  const at = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
  const whom = nodes.length === 3 ? 'all nodes' : nodes.map((index) => `node-${index + 1}`).join(', ');
  const more = meanwhile ? `; meanwhile ${meanwhile.kind} (${meanwhile.nodes.map((index) => `node-${index + 1}`).join(', ')})` : '';
  return `${at} s  ${kind}: ${whom}, ${(forMs / 1000).toFixed(1)} s${more}`;
}

/** As lines of text. */
export function summary(store, result) {
  const { counts, violations, allowed, seconds } = result;
  const { reads, rotations, lostIssues, onTheWay, slow, uses, rejected, reports, orders, faults, looks } = counts;
  const told = Object.entries(reports).map(([outcome, times]) => `${times} ${outcome}`);
  return [
    `${store}: ${seconds} s, ${faults} faults (a row per node), ${looks} looks into the store`,
    `  reads                ${reads} (${Math.round(reads / seconds)}/s; ${slow} took over 1 s; ${onTheWay} tokens ended on the way)`,
    `  uses at WeChat       ${uses}, rejected ${rejected}; reports ${told.join(', ') || 'none'}`,
    `  rotations            ${rotations}, and ${lostIssues} issues lost by faults; ${orders} were ordered`,
    ...Object.entries(violations).flatMap(([name, found]) => [`  ${name}: ${found.length}`, ...shown(found)]),
    ...lacking(result).map((text) => `  too little happened: ${text}`),
    `  allowed cases: ${allowed.length}`,
    ...shown(allowed),
  ];
}

const shown = (found) => [
  ...found.slice(0, SHOWN).map((text) => `    ${text}`),
  ...(found.length > SHOWN ? [`    … ${found.length - SHOWN} more`] : []),
];

/** A run in which next to nothing happened says nothing: what it is short of, as texts. */
function lacking({ counts, seconds }) {
  const least = { reads: LEAST_READS_PER_SECOND * seconds, rotations: 1, faults: 1 };
  return Object.entries(least).flatMap(([name, count]) => (counts[name] >= count ? [] : [`${counts[name]} ${name}, of at least ${count}`]));
}

export const isRight = (result) => lacking(result).length === 0 && Object.values(result.violations).every((found) => found.length === 0);
