import { type Manifest, stringAt } from '../model/manifest.js';
import type { Access, Verb } from './access.js';
import { IMMORTAL } from './admission.js';
import type { Api } from './api.js';
import { discovery } from './discovery.js';
import {
  bodyOf,
  continueToken,
  deleteOptionsOf,
  type Form,
  formOf,
  patchTypeOf,
  readContinue,
  type Target,
  targetOf,
  writeOptionsOf,
} from './request.js';
import { apiVersionOf, type Resource } from './resources.js';
import { fieldTest, labelTest } from './selectors.js';
import { ApiError, badRequest, forbidden, methodNotAllowed, noSuchPath } from './status.js';
import { Expired } from './store.js';
import { partialOf, tableOf } from './table.js';

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

export interface Answer {
  status: number;
  /** A document, or text that is sent as it is. */
  body: object | string;
  yaml: boolean;
  warnings: readonly string[];
  /** Whether something may have been written. */
  wrote: boolean;
}

const REVIEW_PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** Answers one request of a client that has shown its token. Throws `ApiError`. */
export function answer(api: Api, access: Access, address: string, now: () => Date, request: Request): Answer {
  const read = (body: object | string, yaml = false): Answer => ({
    status: 200,
    body,
    yaml,
    warnings: [],
    wrote: false,
  });
  if (request.method === 'GET') {
    if (['/healthz', '/livez', '/readyz'].includes(request.path)) return read('ok');
    if (request.path === '/metrics') return read(api.encryption.metrics());
    const document = discovery(request.path.replace(/(.)\/$/, '$1'), address);
    if (document !== undefined) return read(document);
  }
  if (request.path === REVIEW_PATH && request.method === 'POST') {
    const body = bodyOf(request.headers['content-type'], request.body);
    return { ...read(access.review(body)), status: 201 };
  }
  const target = targetOf(request.path);
  if (target === undefined) throw noSuchPath();
  const { form, yaml } = formOf(request.headers.accept);
  const verb = verbOf(request.method, target);
  access.check(verb, target);
  const show = (object: Manifest | object): object =>
    shown(target.resource, object, form, request.query.get('includeObject') ?? 'Metadata', now());
  if (verb === 'get') return read(show(api.get(target.resource, target.namespace, target.name)), yaml);
  if (verb === 'list') return read(listed(api, target, request.query, form, now()), yaml);
  const { status, object, warnings } = write(api, verb, target, request);
  return { status, body: show(object), yaml, warnings, wrote: true };
}

const COLLECTION_VERBS: Readonly<Record<string, Verb>> = {
  GET: 'list',
  POST: 'create',
  DELETE: 'deletecollection',
};
const OBJECT_VERBS: Readonly<Record<string, Verb>> = {
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function verbOf(method: string, { name }: Target): Verb {
  const verb = (name === '' ? COLLECTION_VERBS : OBJECT_VERBS)[method];
  if (verb === undefined) throw methodNotAllowed();
  return verb;
}

function write(
  api: Api,
  verb: Verb,
  { resource, namespace, name }: Target,
  { query, headers, body }: Request,
): { status: number; object: object; warnings: readonly string[] } {
  const agent = headers['user-agent'] ?? '';
  const type = headers['content-type'];
  if (verb === 'create') {
    if (resource.namespaced && namespace === '') throw methodNotAllowed();
    const options = writeOptionsOf(query, agent, 'CreateOptions');
    const object = api.create(resource, namespace, bodyOf(type, body), options);
    return { status: 201, object, warnings: options.warnings };
  }
  if (verb === 'update') {
    const options = writeOptionsOf(query, agent, 'UpdateOptions');
    const { object, created } = api.update(resource, namespace, name, bodyOf(type, body), options);
    return { status: created ? 201 : 200, object, warnings: options.warnings };
  }
  if (verb === 'patch') {
    const patchType = patchTypeOf(type);
    const options = writeOptionsOf(query, agent, patchType === 'apply' ? 'ApplyOptions' : 'PatchOptions');
    const { object, created } = api.patch(
      resource,
      namespace,
      name,
      patchType,
      bodyOf(type, body, patchType),
      options,
    );
    return { status: created ? 201 : 200, object, warnings: options.warnings };
  }
  const options = deleteOptionsOf(query, body === '' ? undefined : bodyOf(type, body));
  if (verb === 'deletecollection') {
    const items = api.store
      .all(resource, namespace)
      .map(({ object }) => object)
      .filter(selected(resource, query));
    for (const { metadata } of items)
      api.delete(resource, metadata.namespace ?? '', metadata.name, { dryRun: options.dryRun });
    return {
      status: 200,
      object: listOf(resource, items, { resourceVersion: String(api.store.revision) }),
      warnings: [],
    };
  }
  if (resource.kind === 'Namespace' && IMMORTAL.includes(name))
    throw forbidden(resource, name, 'this namespace may not be deleted');
  return { status: 200, object: api.delete(resource, namespace, name, options), warnings: [] };
}

function selected(resource: Resource, query: URLSearchParams): (object: Manifest) => boolean {
  const labels = labelTest(query.get('labelSelector') ?? '');
  const fields = fieldTest(resource.kind, query.get('fieldSelector') ?? '');
  return (object) => labels(object) && fields(object);
}

function listed(
  api: Api,
  { resource, namespace }: Target,
  query: URLSearchParams,
  form: Form,
  now: Date,
): object {
  if (query.get('watch') === 'true' || query.get('watch') === '1') throw methodNotAllowed();
  const limitText = query.get('limit') ?? '0';
  if (!/^-?\d+$/.test(limitText))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limitText)}: invalid syntax`);
  const token = query.get('continue') ?? '';
  const page = (() => {
    try {
      return api.store.page(resource, {
        namespace,
        limit: Number(limitText),
        test: selected(resource, query),
        ...(token === '' ? {} : { from: readContinue(token) }),
      });
    } catch (error) {
      if (!(error instanceof Expired)) throw error;
      throw new ApiError(
        410,
        'Expired',
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    }
  })();
  // A page is read from storage; a whole list comes from the watch cache and moves no counter (1.31).
  if (Number(limitText) > 0)
    for (const { object, prefix } of page.items) api.encryption.read(resource, prefix, object.metadata.name);
  const selecting = query.has('labelSelector') || query.has('fieldSelector');
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.next === undefined ? {} : { continue: continueToken(page.next) }),
    ...(page.next === undefined || selecting ? {} : { remainingItemCount: page.remaining }),
  };
  const objects = page.items.map(({ object }) => object);
  if (form === 'table')
    return tableOf(resource, objects, metadata, query.get('includeObject') ?? 'Metadata', now);
  if (form === 'partial')
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: objects.length === 0 ? null : objects.map(partialOf), // an empty one is null, as real servers have it
    };
  return listOf(resource, objects, metadata);
}

/** Items of a list carry no kind and no apiVersion. */
function listOf(resource: Resource, items: readonly Manifest[], metadata: object): object {
  const bare = items.map(({ kind: _kind, apiVersion: _version, ...rest }) => rest);
  return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: bare };
}

function shown(
  resource: Resource,
  object: Manifest | object,
  form: Form,
  include: string,
  now: Date,
): object {
  const other = stringAt(object, 'kind');
  if (other !== undefined && other !== resource.kind) return object; // a Status or a list
  const manifest = object as Manifest;
  if (form === 'object') return manifest;
  if (form === 'partial') return partialOf(manifest);
  const version = manifest.metadata.resourceVersion;
  return tableOf(
    resource,
    [manifest],
    version === undefined ? {} : { resourceVersion: version },
    include,
    now,
  );
}
