"""Say what a SavedModel or a Keras archive takes and gives, as the model server's TensorFlow names it."""

import logging
import warnings

import originals
import signatures
import step
from tensorflow.core.protobuf import saved_model_pb2

_FILES = {
    "ReadFile", "WriteFile", "MatchingFiles", "WholeFileReader", "WholeFileReaderV2", "TextLineReader",
    "TextLineReaderV2", "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "TFRecordReader", "TFRecordReaderV2",
    "LMDBReader", "TextLineDataset", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "TFRecordDataset",
    "TFRecordDatasetV2", "SqlDataset", "LMDBDataset", "CSVDataset", "CSVDatasetV2", "SaveDataset", "SaveDatasetV2",
    "LoadDataset", "SnapshotDataset", "SnapshotDatasetV2", "PyFunc", "PyFuncStateless", "EagerPyFunc", "RpcCall",
    "RpcClient", "RpcServer",
}  # fmt: skip
"""TensorFlow's operators that read and write files, talk to others, or call Python; those of checkpoints are in every
SavedModel."""


def run(request):
    """See the module."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if request.format == "savedmodel":
        _refuse_files(request.source)
    step.progress(f"loading {request.format}")
    inputs, outputs = originals.told(request)
    return {"signature": signatures.signature(inputs, outputs), "tools": step.versions("tensorflow-cpu", "keras")}


def _refuse_files(folder):
    """Before anything is loaded, which may run a part of it already."""
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    for part in model.meta_graphs:
        graph = part.graph_def
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        found = sorted({node.op for node in nodes} & _FILES)
        if found:
            raise step.Refused(
                f"the model reads or writes files, talks to others or calls Python: {', '.join(found)}",
                "a model that computes its outputs from its inputs and weights",
                "save it without those operators",
            )
