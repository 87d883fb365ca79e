# terraform apply -var evidence_bucket=... -var evidence_account=...
variable "evidence_bucket" {
  type = string
}

variable "evidence_account" {
  type = string
}

variable "handler" {
  type    = string
  default = "index.handler"
}

variable "way" {
  description = "How the layer gets in front of the function: redirect, exec or preload"
  type        = string
  default     = "redirect"
}

data "aws_caller_identity" "this" {}

locals {
  amber = {
    AMBER_DESTINATION     = "s3://${var.evidence_bucket}/amber"
    AMBER_S3_BUCKET_OWNER = var.evidence_account
    AMBER_ON_ERROR        = "any"
  }
  ways = {
    redirect = { AMBER_HANDLER = var.handler }
    exec     = { AWS_LAMBDA_EXEC_WRAPPER = "/opt/amber-exec" }
    preload  = { NODE_OPTIONS = "--require /opt/nodejs/node_modules/lambda-amber/preload.cjs" }
  }
}

resource "aws_lambda_layer_version" "amber" {
  layer_name               = "lambda-amber-node"
  filename                 = "${path.module}/../../dist/layer/lambda-amber-node.zip"
  source_code_hash         = filebase64sha256("${path.module}/../../dist/layer/lambda-amber-node.zip")
  compatible_runtimes      = ["nodejs22.x", "nodejs24.x"]
  compatible_architectures = ["x86_64", "arm64"]
}

data "archive_file" "function" {
  type        = "zip"
  source_dir  = "${path.module}/function"
  output_path = "${path.module}/function.zip"
}

resource "aws_lambda_function" "this" {
  function_name    = "behind-amber"
  runtime          = "nodejs24.x"
  timeout          = 30
  memory_size      = 512
  role             = aws_iam_role.this.arn
  filename         = data.archive_file.function.output_path
  source_code_hash = data.archive_file.function.output_base64sha256
  layers           = [aws_lambda_layer_version.amber.arn]
  handler          = var.way == "redirect" ? "/opt/nodejs/node_modules/lambda-amber/handler.handler" : var.handler

  environment {
    variables = merge(local.amber, local.ways[var.way])
  }
}

resource "aws_iam_role" "this" {
  name = "behind-amber"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "evidence" {
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "s3:PutObject", Resource = "arn:aws:s3:::${var.evidence_bucket}/amber/account=${data.aws_caller_identity.this.account_id}/*" },
      { Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "arn:aws:logs:*:*:log-group:/aws/lambda/behind-amber:*" },
    ]
  })
}
