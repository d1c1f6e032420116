/** What of follows is kept while the database is away. Blocks are not: whom they hide from has to be known at once. */
import { z } from 'zod'
import { Handle, Id } from '../../../contract/common.ts'
import type { FollowState } from '../../../contract/social.ts'
import type { Ctx } from '../../app/context.ts'
import type { Act, AnyAct } from '../../app/journal/index.ts'
import * as service from './follows.service.ts'

export interface FollowInput extends service.TowardsInput {
  readonly viewerHandle: string
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
    shape: z.object({ viewerId: Id, viewerHandle: z.string(), handle: Handle }),
    actorOf: ({ viewerId }) => viewerId,
    setsOf: ({ viewerId, handle }) => `follow:${viewerId}:${handle.toLowerCase()}`,
    repeatOf: () => null,
    check(_, { viewerHandle, handle }) {
      if (isFollowing && viewerHandle.toLowerCase() === handle.toLowerCase())
        throw service.selfError('follow')
    },
    do: verb,
    answerKept: () => ({ isFollowing, isKept: true }),
  }
}

export const followAct = act('follow', true, service.followAccount)
export const unfollowAct = act('unfollow', false, service.unfollowAccount)

export const followActs: readonly AnyAct[] = [followAct, unfollowAct]
