/** What of follows is kept while the database is away. Blocks are not: whom they hide from has to be known at once. */
import { z } from 'zod'
import { Handle, Id } from '../../../contract/common.ts'
import type { FollowState } from '../../../contract/social.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import type { Act, AnyAct } from '../../app/journal/index.ts'
import * as service from './follows.service.ts'

export interface FollowInput extends service.TowardsInput {
  readonly viewerHandle: string
  readonly accountId: string | null
}

type State = z.infer<typeof FollowState>

function act(
  name: string,
  isFollowing: boolean,
  verb: (ctx: Ctx, input: FollowInput) => Promise<State>,
): Act<FollowInput, State> {
  return {
    name,
    feature: 'reactions',
    shape: z.object({
      viewerId: Id,
      viewerHandle: z.string(),
      handle: Handle,
      // What was kept by earlier versions has none.
      accountId: Id.nullable().default(null),
    }),
    actorOf: ({ viewerId }) => viewerId,
    setsOf: ({ viewerId, accountId, handle }) => `follow:${viewerId}:${accountId ?? handle.toLowerCase()}`,
    repeatOf: () => null,
    // By the time that it is done, somebody else may have the handle.
    pin: (ctx, input) => ({ ...input, accountId: ctx.standby.accountIdOf(input.handle) }),
    check(ctx, { viewerId, viewerHandle, handle, accountId }) {
      if (!isFollowing) return
      if (viewerHandle.toLowerCase() === handle.toLowerCase() || accountId === viewerId)
        throw service.selfError('follow')
      if (accountId !== null && ctx.standby.isBlockBetween(viewerId, accountId))
        throw new NotFoundError('account', `@${handle}`)
    },
    do: verb,
    answerKept: () => ({ isFollowing, isKept: true }),
  }
}

export const followAct = act('follow', true, service.followAccount)
export const unfollowAct = act('unfollow', false, service.unfollowAccount)

export const followActs: readonly AnyAct[] = [followAct, unfollowAct]
