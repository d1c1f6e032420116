/** HTTP of follows and blocks. */
import { z } from 'zod'
import { AccountListItem } from '../../../contract/accounts.ts'
import { Handle, PageQuery, pageOf } from '../../../contract/common.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import * as service from './follows.service.ts'

const params = z.object({ handle: Handle })
const follow = { schema: { params, response: { 200: z.object({ isFollowing: z.boolean() }) } } }
const block = { schema: { params, response: { 200: z.object({ isBlocking: z.boolean() }) } } }
const list = { querystring: PageQuery, response: { 200: pageOf(AccountListItem) } }

export const followRoutes: Routes = (app, ctx) => {
  app.put('/profiles/:handle/follow', follow, async (request) =>
    service.followAccount(ctx, { viewerId: requireViewer(request).id, handle: request.params.handle }),
  )
  app.delete('/profiles/:handle/follow', follow, async (request) =>
    service.unfollowAccount(ctx, { viewerId: requireViewer(request).id, handle: request.params.handle }),
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
