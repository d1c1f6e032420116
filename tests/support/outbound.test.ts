/** Who speaks to the network by themselves: all else goes through `kit/network`, which refuses where nobody may be led. */
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const SPEAKERS = [
  /(?<![.\w])fetch\(/,
  /new WebSocket\(/,
  /import \{[^}]*\b(?:request|get|connect|createConnection|Agent)\b[^}]*\} from 'node:(?:https?|http2|net|tls)'/,
  /from '(?:node:dgram|undici|nodemailer|web-push)'/,
]

/** Each with the reason why nobody else chooses where it goes. */
const OWN_ADDRESSES: Readonly<Record<string, string>> = {
  'kit/network/guarded-request.ts': 'refuses by itself',
  'kit/network/guarded-stream.ts': 'refuses by itself',
  'kit/s3/sender.ts': 'the bucket that the operator configured; follows no redirect',
  'platform/app/senses.ts': 'the ingest role beside it',
  'platform/demo/client.ts': 'the instance that whoever runs the demo names',
  'platform/edge/agent/ask.ts': 'origins of the document that the operator signed',
  'platform/edge/nginx/nginx.ts': 'its own nginx',
  'platform/edge/releases/golden.ts': 'its own shadow',
  'platform/edge/releases/replay.ts': 'its own shadow',
  'platform/infra/db/guarded-pool.ts': 'the configured database',
  'platform/judge/judgements.ts': 'what an operator on this machine has judged; follows no redirect',
  'platform/modules/accounts/passwords/breach-range.ts': 'the configured service; follows no redirect',
  'platform/modules/edges/following.ts': 'the configured edges; follows no redirect',
  'platform/modules/mail/mail.jobs.ts': 'the configured mail server',
  'platform/modules/mail/outbox.ts': 'writes files',
  'platform/modules/operations/doctor/checks/clock.ts': 'the instance’s own address; follows no redirect',
  'platform/modules/operations/doctor/checks/send-body.ts': 'the instance’s own address',
  'platform/supervisor/control.ts': 'its own control socket',
  'platform/supervisor/rollout/replay.ts': 'its own canary and baseline',
  'watch/signals/probes/check-tcp.ts': 'connects to the address that it looked at',
  'watch/signals/probes/check-tls.ts': 'connects to the address that check-tcp looked at',
  'watch/signals/probes/reference.ts': 'the configured references',
  'watch/telling/send-mail.ts': 'the configured mail server',
  'watch/telling/send-web.ts': 'encrypts by web-push; sends by kit/network',
  'watch/telling/vapid.ts': 'makes keys',
}

test('only kit/network asks addresses that others chose', async () => {
  const found: string[] = []
  for await (const path of glob('{platform,watch,kit,cli}/**/*.ts', { cwd: ROOT })) {
    if (/\.test\.ts$|fixtures|\/browser\//.test(path)) continue
    const text = await readFile(join(ROOT, path), 'utf8')
    if (SPEAKERS.some((pattern) => pattern.test(text))) found.push(path)
  }
  expect(found.toSorted()).toEqual(Object.keys(OWN_ADDRESSES).toSorted())
})
