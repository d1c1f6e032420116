/** Describes the pages that people share, as a stranger may see them: what is not public has no description. */
import { Id } from '../../../contract/common.ts'
import type { Ctx } from '../../app/context.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import { findAccountByHandle, toAccountCard } from '../accounts/index.ts'
import { loadVideoCards } from '../videos/index.ts'
import type { SharedPage } from './head-tags.ts'

const TITLE_MAX_LENGTH = 70

const shorten = (text: string, max: number) =>
  text.length <= max ? text : `${text.slice(0, max - 1).trimEnd()}…`

/** Null when a stranger can't see the video. With the database away the page is described by its address alone. */
export async function describeVideoPage(ctx: Ctx, id: string, origin: string): Promise<SharedPage | null> {
  if (!Id.safeParse(id).success) return null
  const url = `${origin}/v/${id}`
  return orWithoutDatabase(ctx, url, async () => {
    const card = (await loadVideoCards(ctx, null, [id])).get(id)
    if (!card) return null
    const by = `@${card.author.handle}`
    return {
      title: card.caption ? `${shorten(card.caption, TITLE_MAX_LENGTH)} · ${by}` : `A video by ${by}`,
      description: card.caption ? `${by}: ${shorten(card.caption, 200)}` : `Watch this video by ${by}.`,
      url,
      imageUrl: new URL(card.posterUrl, origin).href,
      imageSize: { width: card.width, height: card.height },
      type: 'video.other',
    }
  })
}

/** Null when there is no such account. */
export async function describeProfilePage(
  ctx: Ctx,
  handle: string,
  origin: string,
): Promise<SharedPage | null> {
  const url = `${origin}/@${encodeURIComponent(handle)}`
  return orWithoutDatabase(ctx, url, async () => {
    const row = await findAccountByHandle(ctx.db, handle)
    if (!row) return null
    const card = toAccountCard(row)
    return {
      title: `${card.name} (@${card.handle})`,
      description: row.bio || `Videos by @${card.handle}.`,
      url: `${origin}/@${card.handle}`,
      imageUrl: card.pictureUrl && new URL(card.pictureUrl, origin).href,
      type: 'profile',
    }
  })
}

async function orWithoutDatabase(
  ctx: Ctx,
  url: string,
  describe: () => Promise<SharedPage | null>,
): Promise<SharedPage | null> {
  try {
    return await describe()
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error
    return {
      title: ctx.config.instanceName,
      description: 'Short videos.',
      url,
      imageUrl: null,
      type: 'website',
    }
  }
}
