import type { Reply, Request } from '../http.ts';
import { newest, type Image, type World } from '../world.ts';
import { refuse } from './attributes.ts';
import { showImage } from './images.ts';

export function listImages(world: World, request: Request, visible: (image: Image) => boolean): Reply {
  const { query } = request;
  let all = newest(world.images).filter((image) => visible(image) && (image.visibility !== 'community' || image.owner === world.projectId || query.get('visibility') === 'community'));
  for (const [key, value] of query) {
    if (['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'member_status'].includes(key)) continue;
    if (key === 'tag') all = all.filter((image) => image.tags.includes(value));
    else if (key === 'visibility' && value === 'all') continue;
    else {
      const wanted = value.startsWith('in:') ? value.slice(3).split(',') : [value];
      all = all.filter((image) => wanted.includes(String((showImage(image) as Record<string, unknown>)[key])));
    }
  }
  const cap = world.settings.pageCap ?? 1000;
  // Glance's own default page is 25.
  const limit = Math.min(Number(query.get('limit') ?? Math.min(25, cap)), cap);
  const marker = query.get('marker');
  let from = 0;
  if (marker !== null) {
    from = all.findIndex((image) => image.id === marker) + 1;
    if (from === 0) throw refuse(400, `No image found with ID ${marker}`);
  }
  const images = all.slice(from, from + limit);
  const link = (set: (query: URLSearchParams) => void): string => {
    const copy = new URLSearchParams(query);
    set(copy);
    return copy.size > 0 ? `/v2/images?${copy}` : '/v2/images';
  };
  const more = images.length > 0 && images.length === limit;
  return {
    status: 200,
    body: { images: images.map(showImage), first: link((copy) => copy.delete('marker')), schema: '/v2/schemas/images', ...(more ? { next: link((copy) => copy.set('marker', images.at(-1)!.id)) } : {}) },
  };
}
