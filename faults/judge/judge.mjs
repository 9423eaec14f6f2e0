/** The verdict on what a run wrote down: pure, so that its rules can be tested with rows that were made up. */

import { chronicle as chronicled, generations as counted } from './chronicle.mjs';
import { judgeCommits, judgeEnd } from './commits.mjs';
import { judgeIssues } from './issues.mjs';
import { judgeReads } from './reads.mjs';
import { judgeRefusals } from './refusals.mjs';

/** `{ counts, violations, allowed }`: what is printed; `violations` maps each count that must be 0 to what was found. */
export function judge(run) {
  const chronicle = chronicled(run);
  const generations = counted(run.reads);
  const known = { ...run, chronicle, generations };
  const { violations: issues, lost } = judgeIssues(known);
  const { violations: dead, onTheWay, allowed } = judgeReads({ ...known, lost });
  const { violations: refused, allowed: unserved } = judgeRefusals({ ...known, lost });
  // The first token of an account replaces none.
  const successors = [...chronicle.values()].reduce((sum, values) => sum + Math.max(0, values.length - 1), 0);
  return {
    counts: { reads: run.reads.length, rotations: successors - lost.length, lostIssues: lost.length, onTheWay, slow: slow(run.reads) },
    violations: {
      'reads refused': refused,
      'reads of a dead token': dead,
      'issues beyond one per rotation and crash': issues,
      'lost commits': judgeCommits(known),
      'not well at the end': judgeEnd(run),
    },
    allowed: [...unserved, ...allowed],
  };
}

/** Reads that took over a second: those that a struck node kept waiting until the next one answered. */
const slow = (reads) => reads.filter(({ askedAt, arrivedAt }) => arrivedAt - askedAt > 1000).length;
