/** The cockpit's page of watches: what the other one needs of this one, and who was heard when. */
import type { WatchCtx } from '../app/context.ts'
import type { WatchApp } from '../http/http.ts'
import { actorOf } from '../operators/access.ts'
import type { OperatorActor, OperatorAuth } from '../operators/auth.ts'
import { renderOperatorPage } from '../operators/frame.ts'
import { formatDuration } from '../pages/format.ts'
import { html, type Html } from '../pages/html.ts'
import { sendPage } from '../pages/send-page.ts'
import { openOwnKey } from './peer-keys.ts'
import { listPeers } from './records.ts'
import { readHearing } from './silence.ts'

/** Registers it. */
export function registerPeersPage(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate/watches', async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const { line } = await openOwnKey(ctx)
    return sendPage(reply, renderPeersPage({ ctx, actor, line }), { maxAgeS: 0 })
  })
}

function renderPeersPage(input: {
  readonly ctx: WatchCtx
  readonly actor: OperatorActor
  readonly line: string
}): string {
  const { ctx, actor, line } = input
  const { id, peer, publicUrl } = ctx.config
  return renderOperatorPage({
    title: 'Watches',
    actor,
    current: 'watches',
    body: html`<section class="card prose">
        <h2>This watch: ${id}</h2>
        <p>Its public key, for the other watch’s settings:</p>
        <pre><code>WATCH_PEER_KEY=${line}</code></pre>
        <p class="sub">
          It is no secret. What it signs with never leaves its data folder.
          ${publicUrl === null && 'Set WATCH_PUBLIC_URL, so that the other one can name where people read this one.'}
        </p>
      </section>
      <section>
        <h2>Others</h2>
        ${
          peer === null
            ? html`<p class="sub">
                None is named in the settings. Start another one elsewhere, and give each the other’s key.
              </p>`
            : peer.keys.map((key) => renderPeer(ctx, key))
        }
      </section>`,
  })
}

function renderPeer(
  ctx: WatchCtx,
  { id, publicKey }: { readonly id: string; readonly publicKey: string },
): Html {
  const known = listPeers(ctx.store).find((one) => one.id === id)
  const { heardAtMs, isSilent } = readHearing(ctx)(id)
  const since = heardAtMs === null ? null : formatDuration(ctx.clock.now().getTime() - heardAtMs)
  const url = known?.publicUrl ?? null
  return html`<div class="card">
    <h3>${url === null ? id : html`<a href="${url}">${id}</a>`}</h3>
    <p class="${isSilent ? 'err' : 'ok'}">
      ${since === null ? 'It was never heard.' : isSilent ? `It has been silent for ${since}.` : `Heard ${since} ago.`}
    </p>
    <p class="sub">Known by <code>ed25519:${publicKey}</code></p>
  </div>`
}
