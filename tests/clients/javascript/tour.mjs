// The life of a distribution with the AWS SDK for JavaScript: create, read, update, invalidate, disable, delete.
// Endpoint and credentials come from the environment, as the SDK finds them. Prints one line of JSON for each step.

import {
  CloudFrontClient,
  CreateDistributionCommand,
  CreateInvalidationCommand,
  DeleteDistributionCommand,
  GetDistributionConfigCommand,
  UpdateDistributionCommand,
  paginateListDistributions,
  waitUntilDistributionDeployed,
  waitUntilInvalidationCompleted,
} from "@aws-sdk/client-cloudfront";

const client = new CloudFrontClient({ maxAttempts: 1 });
const tell = (step, facts) => console.log(JSON.stringify({ step, ...facts }));

const config = {
  CallerReference: `tour ${Date.now()}`,
  Comment: "made by a tour",
  Enabled: true,
  Origins: {
    Quantity: 1,
    Items: [{ Id: "site", DomainName: process.argv[2], S3OriginConfig: { OriginAccessIdentity: "" } }],
  },
  DefaultCacheBehavior: {
    TargetOriginId: "site",
    ViewerProtocolPolicy: "allow-all",
    CachePolicyId: "658327ea-f89d-4fab-a63d-7e88639e58f6",
  },
};

const created = await client.send(new CreateDistributionCommand({ DistributionConfig: config }));
const Id = created.Distribution.Id;
await waitUntilDistributionDeployed({ client, maxWaitTime: 90 }, { Id });
tell("created", { id: Id, status: created.Distribution.Status, location: created.Location });

const listed = [];
for await (const page of paginateListDistributions({ client, pageSize: 1 }, {})) {
  listed.push(...page.DistributionList.Items.map((item) => item.Id));
}
tell("listed", { found: listed.includes(Id), count: listed.length });

const current = await client.send(new GetDistributionConfigCommand({ Id }));
const changed = { ...current.DistributionConfig, Comment: "changed", Enabled: false };
const update = { Id, IfMatch: current.ETag, DistributionConfig: changed };
const updated = await client.send(new UpdateDistributionCommand(update));
tell("updated", { comment: updated.Distribution.DistributionConfig.Comment, changed: updated.ETag !== current.ETag });

try {
  await client.send(new UpdateDistributionCommand(update));
} catch (error) {
  tell("refused", { name: error.name, status: error.$metadata.httpStatusCode, has_id: Boolean(error.$metadata.requestId) });
}

const batch = { CallerReference: "tour", Paths: { Quantity: 2, Items: ["/index.html", "/images/*"] } };
const { Invalidation } = await client.send(new CreateInvalidationCommand({ DistributionId: Id, InvalidationBatch: batch }));
await waitUntilInvalidationCompleted({ client, maxWaitTime: 90 }, { DistributionId: Id, Id: Invalidation.Id });
tell("invalidated", { paths: Invalidation.InvalidationBatch.Paths.Items, is_date: Invalidation.CreateTime instanceof Date });

await client.send(new DeleteDistributionCommand({ Id, IfMatch: updated.ETag }));
try {
  await client.send(new GetDistributionConfigCommand({ Id }));
} catch (error) {
  tell("deleted", { name: error.name, status: error.$metadata.httpStatusCode });
}
