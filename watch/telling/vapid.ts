/** The keys by which push services know this watch (RFC 8292): made once, kept in the store. */
import webPush from 'web-push'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'

const VapidKeys = z.object({ publicKey: z.string(), privateKey: z.string() })
export type VapidKeys = z.infer<typeof VapidKeys>

/** Reads the keys; the first call makes them. */
export async function openVapidKeys(ctx: WatchCtx): Promise<VapidKeys> {
  await ctx.store.write([
    {
      sql: "insert into kept (name, value, at_ms) values ('vapid', :value, :nowMs) on conflict do nothing",
      params: { value: JSON.stringify(webPush.generateVAPIDKeys()), nowMs: ctx.clock.now().getTime() },
    },
  ])
  const row = ctx.store.get<{ value: string }>("select value from kept where name = 'vapid'")
  return VapidKeys.parse(JSON.parse(row!.value))
}
