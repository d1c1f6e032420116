/** The contract, as types only: nothing of it (nor zod) is in the bundle. */
import type * as contract from '../../../../contract/index.ts'

export type {
  AccountCard,
  AccountListItem,
  Comment,
  FeedPage,
  FeedReason,
  Instance,
  Me,
  MeResponse,
  NewComment,
  Notification,
  NotificationKind,
  Page,
  PasswordChange,
  Playback,
  Problem,
  Profile,
  ProfileEdit,
  Receipt,
  SearchPage,
  Session,
  SessionList,
  SignIn,
  SignUp,
  Update,
  UploadFailure,
  UploadLimits,
  UploadMetadata,
  UploadState,
  VideoCard,
  VideoCounts,
  VideoEdit,
  ViewReport,
  Visibility,
} from '../../../../contract/index.ts'

/** The value of one of the contract's constants, as a type: a limit copied below can't drift from it. */
export type Limit<Name extends keyof typeof contract> = (typeof contract)[Name]
