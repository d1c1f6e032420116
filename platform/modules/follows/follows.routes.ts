/** HTTP of follows and blocks. */
import { z } from 'zod'
import { AccountListItem } from '../../../contract/accounts.ts'
import { Handle, PageQuery, pageOf } from '../../../contract/common.ts'
import { BlockState, FollowState } from '../../../contract/social.ts'
import { requireViewer, type Routes, type Viewer } from '../../app/http.ts'
import { doOrKeep } from '../../app/journal/index.ts'
import { accountOf, limitPerMinute } from '../../app/rate-limit.ts'
import { followAct, unfollowAct, type FollowInput } from './follows.acts.ts'
import * as service from './follows.service.ts'

/** Follows, begun and ended, of one account. */
export const FOLLOWS_PER_MINUTE = 60
/** Blocks, set and lifted, of one account. */
export const BLOCKS_PER_MINUTE = 60

const params = z.object({ handle: Handle })
const list = { querystring: PageQuery, response: { 200: pageOf(AccountListItem) } }

export const followRoutes: Routes = (app, ctx) => {
  const follow = {
    preHandler: limitPerMinute(ctx, FOLLOWS_PER_MINUTE, accountOf),
    schema: { params, response: { 200: FollowState } },
  }
  const block = {
    preHandler: limitPerMinute(ctx, BLOCKS_PER_MINUTE, accountOf),
    schema: { params, response: { 200: BlockState } },
  }

  app.put('/profiles/:handle/follow', follow, async (request) =>
    doOrKeep(ctx, followAct, towards(requireViewer(request), request.params.handle)),
  )
  app.delete('/profiles/:handle/follow', follow, async (request) =>
    doOrKeep(ctx, unfollowAct, towards(requireViewer(request), request.params.handle)),
  )
  app.put('/profiles/:handle/block', block, async (request) =>
    service.blockAccount(ctx, { viewerId: requireViewer(request).id, handle: request.params.handle }),
  )
  app.delete('/profiles/:handle/block', block, async (request) =>
    service.unblockAccount(ctx, { viewerId: requireViewer(request).id, handle: request.params.handle }),
  )
  for (const side of ['followers', 'following'] as const) {
    app.get(`/profiles/:handle/${side}`, { schema: { params, ...list } }, async (request) =>
      service.listFollows(ctx, {
        viewerId: request.viewer?.id ?? null,
        handle: request.params.handle,
        side,
        page: request.query,
      }),
    )
  }
  app.get('/me/blocks', { schema: list }, async (request) =>
    service.listBlocks(ctx, { viewerId: requireViewer(request).id, page: request.query }),
  )
}

const towards = (viewer: Viewer, handle: string): FollowInput => ({
  viewerId: viewer.id,
  viewerHandle: viewer.handle,
  handle,
  accountId: null,
})
