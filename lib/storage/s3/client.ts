/** The client of each server, once in each thread, and the package behind it, which only those load that need it. */
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3Server } from "../contract.js";

/** The package's exports. */
export type Sdk = typeof import("@aws-sdk/client-s3");

export interface Connection {
  readonly sdk: Sdk;
  readonly client: S3Client;
}

/** Sockets of one thread to one server. */
const SOCKETS_MAX = 64;
const CONNECT_MS = 5_000;

const connections = new Map<string, Promise<Connection>>();

/** Opens nothing yet: the first request does. */
export function connect(server: S3Server, more: S3ClientConfig = {}): Promise<Connection> {
  const key = JSON.stringify([server, more]);
  let connection = connections.get(key);
  if (connection === undefined) {
    connection = open(server, more);
    connections.set(key, connection);
    // Whoever asks is told; the next one tries again.
    connection.catch(() => connections.delete(key));
  }
  return connection;
}

/** In every thread the package would say which Node its future versions need; this one is pinned. */
const SILENCE = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

async function open({ endpoint, region, pathStyle }: S3Server, more: S3ClientConfig): Promise<Connection> {
  process.env[SILENCE] ??= "true";
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle,
    // Tries are counted in one place, where it is known which of them may have been carried out.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
      httpsAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
    },
    // Not every server knows the checksums that AWS has added; what matters has its own (manifests, segments).
    ...(endpoint === undefined
      ? {}
      : {
          endpoint,
          requestChecksumCalculation: "WHEN_REQUIRED" as const,
          responseChecksumValidation: "WHEN_REQUIRED" as const,
        }),
    ...more,
  });
  return { sdk, client };
}
