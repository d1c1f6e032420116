/**
 * The public address, as browsers use it: whether it leads here, and what a proxy in front does to an upload: which size of
 * body it lets through, and whether it passes bytes on as they come.
 */
import { loadSecrets } from '../../../../app/secrets.ts'
import { PERMIT_HEADER, PROBE_PATH, signProbePermit } from '../body-probe.ts'
import type { Check, Finding } from '../doctor.ts'
import { advice, fine, inWords, problem, unknown } from './finding.ts'
import { findBodyLimit, sendBody, type Sent } from './send-body.ts'

const ABOUT = 'Public address'
const PUSHED_BYTES = 60 * 1000 * 1000
/** What the web app sends in one request; another tus client may send all of a video in one. */
const WEB_PIECE_BYTES = 32 * 1024 * 1024
/** The doctor waits for so long between the halves of a body. */
const PAUSE_MS = 1_500
const SPREAD_SEEN_MS = 700

const LIMIT_REMEDY =
  'In nginx: client_max_body_size 0; in the block of this server (Upbeat has its own limit, and says it before a byte is sent). ' +
  'In Apache: LimitRequestBody 0. At a CDN: see the limit of your plan, or let uploads go past it.'

export const checkPublicAddress: Check = async ({ config, publicUrl, now, signal }) => {
  if (publicUrl === null)
    return [unknown(ABOUT, 'It is not known.', 'Set PUBLIC_URL, or name it: upbeat doctor --url https://…')]
  const { media } = await loadSecrets(config.paths.secrets)
  const url = new URL(PROBE_PATH, publicUrl)
  const send = (sizeBytes: number, pauseMs = 0) =>
    sendBody(url, { sizeBytes, pauseMs, headers: { [PERMIT_HEADER]: signProbePermit(media, now()) }, signal })

  const first = await send(1_000, PAUSE_MS)
  const trouble = judgeReach(publicUrl, first)
  if (trouble) return [trouble]
  return [...judgeScheme(publicUrl), judgeBuffering(first), await judgeLimit(publicUrl, send)]
}

/** Null: it leads to this very instance. */
function judgeReach(publicUrl: string, sent: Sent): Finding | null {
  if (sent.outcome === 'answered' && sent.status === 200 && sent.counted) return null
  if (sent.outcome === 'failed')
    return problem(ABOUT, `${publicUrl} can't be reached: ${sent.why}`, remedyFor(sent.code))
  if (sent.status >= 300 && sent.status < 400)
    return problem(
      ABOUT,
      `${publicUrl} sends everybody on to ${sent.location ?? 'another address'}.`,
      'Set PUBLIC_URL to the address that people end up at.',
    )
  if (sent.status === 403 || sent.status === 401)
    return problem(
      ABOUT,
      `${publicUrl} answers, but not as this instance (${sent.status}${sent.server ? ` by ${sent.server}` : ''}).`,
      'It may lead to another Upbeat, or another data folder: run the doctor with the --data of the one that is meant.',
    )
  return problem(
    ABOUT,
    `${publicUrl} answers ${sent.status}${sent.server ? ` (${sent.server})` : ''} where Upbeat would take uploads.`,
    'Let the proxy pass on /api/ to Upbeat, and see that Upbeat runs: upbeat status',
  )
}

function remedyFor(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'The name has no address: see the DNS records of the domain.'
  if (code === 'ECONNREFUSED')
    return 'Nothing listens there: start the proxy or Upbeat, or correct PUBLIC_URL.'
  if (/CERT|SELF_SIGNED|TLS|SSL/.test(code))
    return 'Browsers refuse this certificate, too: renew it, and let the proxy send the whole chain.'
  return 'See the network between here and there, and its firewall.'
}

const judgeScheme = (publicUrl: string): Finding[] =>
  new URL(publicUrl).protocol === 'https:' || ['localhost', '127.0.0.1'].includes(new URL(publicUrl).hostname)
    ? []
    : [
        advice(
          ABOUT,
          `${publicUrl} is without HTTPS: browsers give it no camera, no installation and no push messages.`,
          'Put a proxy with a certificate in front; see TLS in docs/operating.',
        ),
      ]

function judgeBuffering(sent: Sent): Finding {
  const spreadMs = sent.outcome === 'answered' ? (sent.counted?.spreadMs ?? 0) : 0
  return spreadMs >= SPREAD_SEEN_MS
    ? fine(ABOUT, 'Bytes of an upload arrive here as they are sent.')
    : advice(
        ABOUT,
        'Something in front gathers a whole body before it passes it on, so videos can’t be encoded while they arrive.',
        'In nginx: proxy_request_buffering off; and proxy_http_version 1.1;',
      )
}

async function judgeLimit(publicUrl: string, send: (sizeBytes: number) => Promise<Sent>): Promise<Finding> {
  const startedMs = performance.now()
  const found = await findBodyLimit(PUSHED_BYTES, send)
  if (found.limitBytes === null)
    return fine(
      ABOUT,
      `A body of 60 MB goes through ${publicUrl} in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s.`,
    )
  const limit = `${publicUrl} lets no body above ${inWords(found.limitBytes)} through (${found.refusedBy}).`
  return found.limitBytes < WEB_PIECE_BYTES
    ? problem(ABOUT, `${limit} Uploads come in pieces of ${inWords(WEB_PIECE_BYTES)}.`, LIMIT_REMEDY)
    : advice(ABOUT, `${limit} The web app gets by with that; other upload programs may not.`, LIMIT_REMEDY)
}
