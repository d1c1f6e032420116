/** The tables of follows. */
interface FollowTable {
  follower_id: string
  followee_id: string
  created_at: Date
}

interface BlockTable {
  blocker_id: string
  blocked_id: string
  created_at: Date
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    follow: FollowTable
    block: BlockTable
  }
}

export {}
