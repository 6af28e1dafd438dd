"""Messages between head and tail, generated from link.proto:

python -m grpc_tools.protoc -I . --python_out . --pyi_out . --grpc_python_out . rdcodec/serving/protocol/link.proto
"""
