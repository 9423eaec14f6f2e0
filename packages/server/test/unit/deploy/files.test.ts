/**
 * What the deployment files say of the product is so: their settings make one configuration that is accepted, their
 * ports, paths and times agree with the server and with each other.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../src/config/options.ts';
import type { Config } from '../../../src/config/schema.ts';
import { LIMITS } from '../../../src/hosts/node/listen.ts';
import { openApiDocument } from '../../../src/http/openapi.ts';
import { load, withFolder } from '../config/fixtures.ts';
import { compose, composed, container, envOf, FILES, imageEnv, kubernetes, pod, ROOT, read, unitValues } from './files.ts';

const PORT = 8700;
const MASTER = Buffer.alloc(32, 7).toString('base64');
const ADMIN = 'a'.repeat(64);
const STORE = 'postgres://zhongkong:PASSWORD@database:5432/zhongkong?sslmode=disable';
const SECRETS = { store: STORE, 'master-key': MASTER, 'admin-key': ADMIN };

/** The configuration that `env` makes when `folder` holds the secrets. Files that do not exist fail. */
const configured = (env: Readonly<Record<string, string>>, folder: string, secrets: Readonly<Record<string, string>> = SECRETS) =>
  withFolder(secrets, async (cwd) => {
    const here = Object.entries(env).map(([name, value]) => [name, value.replace(folder, cwd)]);
    const config = await load({ cwd, env: Object.fromEntries(here) });
    // The one that is only opened later.
    if (config.masterKeyFile !== null) expect(existsSync(config.masterKeyFile)).toBe(true);
    return config;
  });

const expectServing = (config: Config, store: string): void => {
  expect(config.store).toEqual(store);
  expect(config.adminKey).toBe(ADMIN);
  expect(config.listen.port).toBe(PORT);
};

it('there are files, and every variable of ours in them is an option', () => {
  const known = OPTIONS.flatMap(({ env, envFile }) => [env, envFile]);
  const used = FILES.flatMap((path) => [...read(path).matchAll(/ZHONGKONG_[A-Z_]+/g)].map(([name]) => name));
  expect(FILES.length).toBeGreaterThanOrEqual(8);
  expect(new Set(used).size).toBeGreaterThanOrEqual(6);
  expect(used.filter((name) => !known.includes(name))).toEqual([]);
});

/** What the end of a server may take: see `LIMITS`; the last refresh lands within the bound of one call to WeChat. */
const endSeconds = async () => (LIMITS.announceMs + LIMITS.drainMs) / 1000 + (await load()).refresh.upstreamTimeoutSeconds;
const seconds = (text: string | undefined): number => Number(/^(\d+)s$/.exec(text ?? '')?.[1]);

describe('the image', () => {
  it('listens on the port that it exposes, and only when told how callers reach it', async () => {
    expect(read('docker/Dockerfile')).toContain(`EXPOSE ${PORT}\n`);
    await expect(load({ env: imageEnv })).rejects.toMatchObject({ message: expect.stringContaining('without TLS') });
    expect((await load({ env: { ...imageEnv, ZHONGKONG_ALLOW_PLAIN_HTTP: 'true' } })).listen).toEqual({ host: '0.0.0.0', port: PORT });
  });
});

describe('Compose', () => {
  it.each(composed)('%s has a configuration that is accepted, behind the proxy alone', async (_, service) => {
    const config = await configured({ ...imageEnv, ...service.environment }, '/run/secrets');
    expectServing(config, STORE);
    expect(config.trustedProxies).toEqual([`${compose.services.proxy?.networks?.front?.ipv4_address}/32`]);
    expect(service.secrets).toEqual(Object.keys(SECRETS));
  });

  it.each(composed)('%s is given time to end, and asks where it can be asked', async (_, service) => {
    expect(seconds(service.stop_grace_period)).toBeGreaterThan(await endSeconds());
    expect(service.healthcheck?.test.at(-1)).toContain(`'http://127.0.0.1:${PORT}/readyz'`);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it('has two servers, and every secret that is used', () => {
    expect(composed).toHaveLength(2);
    const used = Object.values(compose.services).flatMap(({ secrets = [] }) => secrets);
    expect([...new Set(used)].sort()).toEqual(Object.keys(compose.secrets).sort());
  });
});

describe.each(['haproxy.cfg', 'nginx.conf'])('%s', (file) => {
  it('leads to the servers of Compose, from the port that it publishes', () => {
    const targets = [...read(`proxy/${file}`).matchAll(/(zhongkong-\d+):(\d+)/g)].map(([, name, port]) => [name, Number(port)]);
    expect(new Set(targets.map(([name]) => name))).toEqual(new Set(composed.map(([name]) => name)));
    expect(new Set(targets.map(([, port]) => port))).toEqual(new Set([PORT]));
    expect(compose.services.proxy?.ports).toEqual(['443:8443']);
    expect(read(`proxy/${file}`)).toMatch(/(bind :|listen )8443 ssl/);
  });
});

describe('systemd', () => {
  const files = unitValues('LoadCredential').map((line) => line.split(':')[0] ?? '');
  const env = { ...envOf(read('systemd/zhongkong.env').split('\n')), ...envOf(unitValues('Environment')) };

  it('has a configuration that is accepted, with the credentials that it loads', async () => {
    expect(files).toEqual(['master-key', 'admin-key']);
    const secrets = Object.fromEntries(Object.entries(SECRETS).filter(([name]) => files.includes(name)));
    const config = await configured(env, '%d', secrets);
    expectServing(config, expect.stringMatching(/^sqlite:.*\/data\/zhongkong\.db$/));
    expect(config.listen.host).toBe('127.0.0.1');
  });

  it('has further settings in its environment file, each of them right', async () => {
    const more = [...read('systemd/zhongkong.env').matchAll(/^#(ZHONGKONG_\w+=.*)$/gm)].map(([, line]) => line ?? '');
    const config = await load({ env: { ...envOf(more), ZHONGKONG_MASTER_KEY: MASTER, ZHONGKONG_ADMIN_KEY: ADMIN } });
    expect(config.store).toMatch(/^postgres:.*sslmode=verify-full$/);
    expect(config.trustedProxies).toHaveLength(1);
  });

  it('starts the command of the package and gives it time to end', async () => {
    const { name, bin } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'));
    expect(unitValues('ExecStart')).toEqual([`/usr/bin/node ${join('/opt/zhongkong/node_modules', name, bin.zhongkong)} serve`]);
    expect(seconds(unitValues('TimeoutStopSec')[0])).toBeGreaterThan(await endSeconds());
    expect(unitValues('ExecReload')).toEqual(["/bin/sh -c 'kill -HUP $MAINPID'"]);
  });
});

describe('Kubernetes', () => {
  it('has a configuration that is accepted, from the secret that it mounts', async () => {
    const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    const [mount] = container.volumeMounts;
    const template: Record<string, string> = kubernetes.Secret.stringData;
    expect(Object.keys(template)).toEqual(Object.keys(SECRETS));
    const config = await configured(env, mount?.mountPath ?? '', { ...SECRETS, store: template.store ?? '' });
    expectServing(config, template.store ?? '');
    expect(pod.volumes).toEqual([{ name: mount?.name, secret: { secretName: kubernetes.Secret.metadata.name, defaultMode: 0o440 } }]);
    expect(container.args).toEqual(['serve']);
  });

  it('asks paths that are there, on the port that is open', () => {
    const [port] = container.ports;
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe].map(({ httpGet }) => httpGet);
    expect(probes.map(({ path }) => path)).toEqual(['/readyz', '/readyz', '/healthz']);
    expect(Object.keys(openApiDocument('0').paths ?? {})).toEqual(expect.arrayContaining(['/readyz', '/healthz']));
    expect(new Set(probes.map((probe) => probe.port))).toEqual(new Set([port?.name]));
    expect(port?.containerPort).toBe(PORT);
    expect(kubernetes.Service.spec.ports[0].targetPort).toBe(port?.name);
  });

  it('gives a pod time to end, after the time in which the cluster forgets it', async () => {
    const [command, wait] = container.lifecycle.preStop.exec.command;
    expect(command).toBe('sleep');
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(wait) + (await endSeconds()));
  });

  it('selects its own pods everywhere, and keeps all of them while it rolls', () => {
    const { labels } = kubernetes.Deployment.spec.template.metadata;
    const { selector, strategy } = kubernetes.Deployment.spec;
    const selectors = [selector.matchLabels, kubernetes.Service.spec.selector, kubernetes.PodDisruptionBudget.spec.selector.matchLabels];
    const [spread] = pod.topologySpreadConstraints;
    for (const chosen of [...selectors, spread.labelSelector.matchLabels]) expect(chosen).toEqual(labels);
    expect(strategy.rollingUpdate.maxUnavailable).toBe(0);
  });

  it('keeps to the restricted standard', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    // The image's user, whose group reads the secret.
    expect(pod.securityContext).toMatchObject({ runAsUser: 1000, fsGroup: pod.securityContext.runAsGroup });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});
