/** Every call of the API that the app makes, typed. Writes that a person repeats are safe: PUT, DELETE, or a key. */
import { request } from './client.ts'
import { readPage, type ReadOptions } from './first-endpoints.ts'
import type {
  AccountListItem,
  Comment,
  CommentPage,
  Me,
  Notification,
  Page,
  PasswordChange,
  Profile,
  ProfileEdit,
  Receipt,
  SearchPage,
  ServiceState,
  SessionList,
  SignUp,
  UploadLimits,
  VideoCard,
  VideoEdit,
} from './types.ts'

const at = encodeURIComponent

// Accounts
export const signUp = (body: SignUp) => request<Me>('/accounts', { method: 'POST', body })
export const readSessions = () => request<SessionList>('/sessions')
export const revokeSession = (id: string) => request<void>(`/sessions/${at(id)}`, { method: 'DELETE' })
export const editProfile = (body: ProfileEdit) => request<Me>('/me', { method: 'PATCH', body })
export const setPicture = (picture: Blob) => request<Me>('/me/picture', { method: 'PUT', body: picture })
export const removePicture = () => request<Me>('/me/picture', { method: 'DELETE' })
export const changePassword = (body: PasswordChange) => request<void>('/me/password', { method: 'PUT', body })

// Profiles
export const readProfile = (handle: string, signal?: AbortSignal) =>
  request<Profile>(`/profiles/${at(handle)}`, signal ? { signal } : {})
export const readProfileVideos = (handle: string, options?: ReadOptions) =>
  readPage<Page<VideoCard>>(`/profiles/${at(handle)}/videos`, options)
export const readOwnVideos = (options?: ReadOptions) => readPage<Page<VideoCard>>('/me/videos', options)
export const readSaved = (options?: ReadOptions) => readPage<Page<VideoCard>>('/me/saved', options)
export const readLiked = (options?: ReadOptions) => readPage<Page<VideoCard>>('/me/liked', options)
export const readFollowers = (handle: string, options?: ReadOptions) =>
  readPage<Page<AccountListItem>>(`/profiles/${at(handle)}/followers`, options)
export const readFollowing = (handle: string, options?: ReadOptions) =>
  readPage<Page<AccountListItem>>(`/profiles/${at(handle)}/following`, options)
export const readBlocks = (options?: ReadOptions) => readPage<Page<AccountListItem>>('/me/blocks', options)
export const setBlocking = (handle: string, isBlocking: boolean) =>
  request<{ isBlocking: boolean }>(`/profiles/${at(handle)}/block`, { method: isBlocking ? 'PUT' : 'DELETE' })

// Videos
export const readVideo = (id: string, signal?: AbortSignal) =>
  request<VideoCard>(`/videos/${at(id)}`, signal ? { signal } : {})
/** Answers nothing while the video can't be played: then it has no card yet. */
export const editVideo = (id: string, body: VideoEdit) =>
  request<VideoCard | undefined>(`/videos/${at(id)}`, { method: 'PATCH', body })
export const deleteVideo = (id: string) => request<void>(`/videos/${at(id)}`, { method: 'DELETE' })
export const publishVideo = (id: string) =>
  request<{ publishedAt: string | null }>(`/videos/${at(id)}/publish`, { method: 'POST' })
export const shareVideo = (id: string) =>
  request<{ url: string }>(`/videos/${at(id)}/shares`, { method: 'POST' })

// Comments
export const readComments = (videoId: string, options?: ReadOptions) =>
  readPage<CommentPage>(`/videos/${at(videoId)}/comments`, options)
export const readReplies = (commentId: string, options?: ReadOptions) =>
  readPage<Page<Comment>>(`/comments/${at(commentId)}/replies`, options)
export const deleteComment = (id: string) => request<void>(`/comments/${at(id)}`, { method: 'DELETE' })

// Feeds, search, notifications
export const readTagVideos = (tag: string, options?: ReadOptions) =>
  readPage<Page<VideoCard>>(`/tags/${at(tag)}/videos`, options)
export type SearchType = 'videos' | 'people' | 'tags'
export const search = (q: string, type: SearchType, options: ReadOptions = {}) =>
  request<SearchPage>('/search', {
    query: { q, type, cursor: options.cursor },
    ...(options.signal ? { signal: options.signal } : {}),
  })
export const readNotifications = (options?: ReadOptions) =>
  readPage<Page<Notification>>('/notifications', options)
export const markNotificationsRead = (upTo: string) =>
  request<{ unread: number }>('/notifications/read', { method: 'POST', body: { upTo } })

// Uploads (the bytes themselves go by tus-js-client)
export const readUploadLimits = () => request<UploadLimits>('/uploads/limits')
export const readReceipt = (id: string) => request<Receipt>(`/uploads/${at(id)}`)
export const readReceipts = (options?: ReadOptions) => readPage<Page<Receipt>>('/uploads', options)

// Instance
/** Answered from memory, whatever else is away: not asked twice, for the next look comes soon. */
export const readState = () => request<ServiceState>('/state', { shouldRetry: false, timeoutMs: 5000 })
