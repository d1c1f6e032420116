/** Profiles: an account as others see it, with the viewer's relation to it, and its videos. */
import type { Profile } from '../../../contract/accounts.ts'
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { VideoCard, Visibility } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { toAccountCard } from '../accounts/index.ts'
import { countFollows, findKnownAccount } from '../follows/index.ts'
import { listAccountVideos } from '../videos/index.ts'
import * as queries from './profiles.queries.ts'

interface ProfileInput {
  readonly viewerId: string | null
  readonly handle: string
}

/**
 * The profile. To someone who blocks the account it says no more than who it is, so that the block can be lifted there.
 *
 * @throws {NotFoundError} when there is no such account, or it blocks the viewer.
 */
export async function loadProfile(ctx: Ctx, input: ProfileInput): Promise<Profile> {
  const { viewerId } = input
  const { account, relation } = await findKnownAccount(ctx.db, input)
  ctx.standby.noteAccount(account)
  const isSelf = viewerId === account.id
  const isBlocking = relation?.isBlocking ?? false
  return {
    ...toAccountCard(account),
    bio: isBlocking ? '' : account.bio,
    createdAt: account.createdAt.toISOString(),
    counts: isBlocking
      ? { followers: null, following: null, likes: null, videos: null }
      : await countFor(ctx, account.id, { isSelf, isFollowing: relation?.isFollowing ?? false }),
    viewer:
      viewerId === null
        ? null
        : {
            isSelf,
            isFollowing: relation?.isFollowing ?? false,
            isFollowedBy: relation?.isFollowedBy ?? false,
            isBlocking,
          },
  }
}

/** Counts what the viewer could see: a hidden video is not given away by a number. */
async function countFor(
  ctx: Ctx,
  accountId: string,
  viewer: { readonly isSelf: boolean; readonly isFollowing: boolean },
): Promise<Profile['counts']> {
  const visibilities: Visibility[] = ['public']
  if (viewer.isSelf || viewer.isFollowing) visibilities.push('followers')
  if (viewer.isSelf) visibilities.push('private')
  const [follows, videos] = await Promise.all([
    countFollows(ctx.db, accountId),
    queries.countVideos(ctx.db, accountId, visibilities),
  ])
  return { ...follows, ...videos }
}

/** The account's videos that the viewer may see, newest first. @throws {NotFoundError} as with the profile. */
export async function listProfileVideos(
  ctx: Ctx,
  input: ProfileInput & { readonly page: PageQuery },
): Promise<Page<VideoCard>> {
  const { viewerId, page } = input
  const { account } = await findKnownAccount(ctx.db, input)
  return listAccountVideos(ctx, { viewerId, accountId: account.id, page })
}
