"""What a `.tflite` file tells the libraries of apps of itself: TFLITE_METADATA."""

from mmnet_deploy.tflite.app_metadata.matting import completed as completed
from mmnet_deploy.tflite.app_metadata.matting import of_card as of_card
from mmnet_deploy.tflite.app_metadata.matting import overruled as overruled
from mmnet_deploy.tflite.app_metadata.reading import read as read
from mmnet_deploy.tflite.app_metadata.record import ENTRY as ENTRY
from mmnet_deploy.tflite.app_metadata.record import Metadata as Metadata
from mmnet_deploy.tflite.app_metadata.record import TensorMetadata as TensorMetadata
from mmnet_deploy.tflite.app_metadata.writing import packed as packed
from mmnet_deploy.tflite.app_metadata.writing import with_app_metadata as with_app_metadata
