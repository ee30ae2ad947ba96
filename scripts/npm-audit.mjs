/**
 * Asks the npm registry for advisories against the packages of package-lock.json and fails on serious ones. A registry
 * that does not answer such questions, as on a machine without a network, is told and is no failure: that is not a fault
 * of this repository.
 */

import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', timeout: 60_000 });

/** @type {{ metadata?: { vulnerabilities: Record<string, number> }, message?: string }} */
let answer = {};
try {
  answer = JSON.parse(stdout);
} catch {
  answer = { message: 'no answer' };
}
const found = answer.metadata?.vulnerabilities;
if (!found) {
  console.log(`audit: the npm registry tells no advisories here (${answer.message ?? 'no reason given'}); nothing was checked`);
} else {
  const serious = (found.high ?? 0) + (found.critical ?? 0);
  console.log(`audit: advisories against the development tools: ${found.total}, serious ones: ${serious}`);
  if (serious > 0) console.error('audit: `npm audit` lists them; write versions without them into package.json');
  process.exitCode = serious > 0 ? 1 : 0;
}
