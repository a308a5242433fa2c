// Runs a command line as it would be typed, and says how long it took and how much memory its processes held.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Processes of a process group, by /proc. */
function group(leader) {
  const found = [];
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === leader) found.push(pid);
    } catch {
      // It has ended.
    }
  }
  return found;
}

/**
 * @returns seconds from start to end; megabytes: the sum of what each process held at most; stdout
 * @throws where the command fails
 */
export function measure(command, env = {}) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const child = spawn('sh', ['-c', command], {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = [];
    const errors = [];
    child.stdout.on('data', (piece) => out.push(piece));
    child.stderr.on('data', (piece) => errors.push(piece));
    const most = new Map();
    const timer = setInterval(() => {
      for (const pid of group(child.pid)) {
        try {
          const held = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
          if (held !== undefined) most.set(pid, Math.max(most.get(pid) ?? 0, Number(held) / 1024));
        } catch {
          // It has ended.
        }
      }
    }, 100);
    child.on('close', (code) => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      clearInterval(timer);
      const stdout = Buffer.concat(out).toString();
      if (code !== 0) return reject(new Error(`${command}\n${Buffer.concat(errors)}`));
      resolve({ seconds, megabytes: [...most.values()].reduce((sum, one) => sum + one, 0), stdout });
    });
  });
}
