# unit tests of src/dicom
