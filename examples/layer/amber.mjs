// CDK: every Node function of a stack behind the layer, whatever construct made it.
//
//     Aspects.of(stack).add(new AttachAmber(stack, { bucket: 'evidence-bucket', bucketOwner: '111122223333' }));
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, LayerVersion, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';

const HANDLER = '/opt/nodejs/node_modules/lambda-amber/handler.handler';

export class AttachAmber {
  #layer;
  #options;

  constructor(scope, { zip = 'dist/layer/lambda-amber-node.zip', ...options }) {
    this.#options = options;
    this.#layer = new LayerVersion(scope, 'LambdaAmber', {
      code: Code.fromAsset(zip),
      layerVersionName: 'lambda-amber-node',
    });
  }

  visit(node) {
    if (!(node instanceof LambdaFunction) || node.runtime.family !== RuntimeFamily.NODEJS) return;
    const { bucket, bucketOwner, variables = {} } = this.#options;
    const resource = node.node.defaultChild;
    if (resource.handler === HANDLER) return;
    const amber = {
      AMBER_DESTINATION: `s3://${bucket}/amber`,
      AMBER_S3_BUCKET_OWNER: bucketOwner,
      AMBER_ON_ERROR: 'any',
      ...variables,
      AMBER_HANDLER: resource.handler,
    };
    for (const [name, value] of Object.entries(amber)) node.addEnvironment(name, value);
    node.addLayers(this.#layer);
    resource.handler = HANDLER;
    // Writing, and nothing else.
    const { partition, account } = Stack.of(node);
    node.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:PutObject'],
        resources: [`arn:${partition}:s3:::${bucket}/amber/account=${account}/*`],
      }),
    );
  }
}
