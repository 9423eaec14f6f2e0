/** The load loop for machines without wrk: keep-alive connections that each ask again as soon as they were answered. */

import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { url, headers, seconds, connections } = workerData;
const { hostname, port, host, pathname, search } = new URL(url);
const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');

const latencies = [];
const endsAt = performance.now() + seconds * 1000;

function one() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    let sentAt = 0;
    const ask = () => {
      received = '';
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true).once('connect', ask).once('error', reject);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < head + 4 + length) return;
      if (!received.startsWith('HTTP/1.1 200')) return reject(new Error(`bad answer: ${received.slice(0, 40)}`));
      const now = performance.now();
      latencies.push(now - sentAt);
      if (now < endsAt) return ask();
      socket.destroy();
      resolve();
    });
  });
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: connections }, one));
const tookMs = performance.now() - startedAt;
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.floor(latencies.length * share)];
parentPort.postMessage({ perSecond: (latencies.length / tookMs) * 1000, p50: at(0.5), p99: at(0.99), requests: latencies.length });
