"""TorchServe's gRPC inference service, called with nothing between: generated stubs and bytes."""

import json
from typing import Any

import grpc

from serving.torchserve_process import TorchServeProcess
from trust_nsfw.client._stubs import inference_pb2, inference_pb2_grpc

MAX_MESSAGE_BYTES = 64 * 1024 * 1024


def channel(server: TorchServeProcess) -> grpc.Channel:
    """Return an open channel to a server's gRPC inference port."""
    address = next(one for one in server.config.addresses() if one.setting.key == "grpc_inference_address")
    sizes = [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ]
    return grpc.insecure_channel(f"{address.host}:{address.port}", options=sizes)


def predict(opened: grpc.Channel, **fields: bytes) -> dict[str, Any]:
    """Send one request of named bytes and return the answer's JSON."""
    stub = inference_pb2_grpc.InferenceAPIsServiceStub(opened)
    request = inference_pb2.PredictionsRequest(model_name="nsfw", input=fields)
    return json.loads(stub.Predictions(request, timeout=300).prediction)


def predict_stream(opened: grpc.Channel, **fields: bytes) -> list[dict[str, Any]]:
    """Send one request to StreamPredictions and return every answer of the stream."""
    stub = inference_pb2_grpc.InferenceAPIsServiceStub(opened)
    request = inference_pb2.PredictionsRequest(model_name="nsfw", input=fields)
    return [json.loads(answer.prediction) for answer in stub.StreamPredictions(request, timeout=300)]
