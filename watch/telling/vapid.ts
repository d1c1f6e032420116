/** The keys by which push services know this watch (RFC 8292): made once, kept in the store. */
import webPush from 'web-push'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { keepOnce } from '../store/index.ts'

const VapidKeys = z.object({ publicKey: z.string(), privateKey: z.string() })
export type VapidKeys = z.infer<typeof VapidKeys>

/** Reads the keys; the first call makes them. */
export async function openVapidKeys(ctx: WatchCtx): Promise<VapidKeys> {
  const text = await keepOnce(ctx.store, {
    name: 'vapid',
    nowMs: ctx.clock.now().getTime(),
    make: () => JSON.stringify(webPush.generateVAPIDKeys()),
  })
  return VapidKeys.parse(JSON.parse(text))
}
